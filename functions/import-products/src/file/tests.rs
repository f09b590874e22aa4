//! Files, good and bad, in pieces of every size.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What a file holds, read in pieces of `size` bytes: each line's number, and its sku or why it was refused.
fn read_in(size: usize, format: Format, text: &[u8]) -> Result<Vec<(u64, u64, String)>, String> {
    let (mut reader, mut read) = (Reader::new(format), Vec::new());
    let mut pieces = text.chunks(size);
    loop {
        match pieces.next() {
            Some(piece) => reader.push(piece),
            None => reader.end(),
        }
        while let Some(Record { line, until, read: product }) = reader.next()? {
            let words = match product {
                Ok(product) => product.sku,
                Err(Refusal { line: told, field, message }) => {
                    assert_eq!(told, line);
                    field.map_or_else(|| message.clone(), |field| format!("{field} {message}"))
                }
            };
            read.push((line, until, words));
        }
        if reader.ended {
            return Ok(read);
        }
    }
}

/// The same, whatever the pieces are.
fn read(format: Format, text: impl AsRef<[u8]>) -> Result<Vec<(u64, u64, String)>, String> {
    let whole = read_in(usize::MAX, format, text.as_ref());
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(read_in(size, format, text.as_ref()), whole, "in pieces of {size}");
    }
    whole
}

fn words(lines: &[(u64, u64, &str)]) -> Vec<(u64, u64, String)> {
    lines.iter().map(|(line, until, words)| (*line, *until, (*words).to_owned())).collect()
}

const HEAD: &str = "sku,name,description,amount,currency\n";

fn csv(lines: &str) -> Result<Vec<(u64, u64, String)>, String> {
    read(Format::Csv, format!("{HEAD}{lines}"))
}

fn json_line(sku: &str) -> String {
    json!({ "sku": sku, "name": "Lamp", "description": "", "price": { "amount": 100, "currency": "usd" } })
        .to_string()
}

#[test]
fn a_line_is_that_on_which_a_product_begins() {
    let read =
        csv("a,Lamp,,100,usd\nb,Lamp,\"two\nlines, \"\"and\"\" a comma\",100,usd\n\n\r\nc,Lamp,,100,usd");
    assert_eq!(read, Ok(words(&[(2, 2, "a"), (3, 4, "b"), (7, 7, "c")])));
}

#[test]
fn spreadsheets_end_lines_and_begin_files_in_their_own_way() {
    let text = "\u{feff}Amount,Currency ,NAME,Description,SKU\r\n100,usd,Lamp,\"a\r\nb\",a\r\n\"100\",usd,Lamp,,b\r\n";
    assert_eq!(read(Format::Csv, text), Ok(words(&[(2, 3, "a"), (4, 4, "b")])));
    let text = "sku,name,description,amount,currency,featured\r\na,Lamp,,1,usd,TRUE\r\nb,Lamp,,1,usd,False\r\n\
                c,Lamp,,1,usd,yes\r\n";
    let wrong = "featured must be true or false";
    assert_eq!(read(Format::Csv, text), Ok(words(&[(2, 2, "a"), (3, 3, "b"), (4, 4, wrong)])));
    assert_eq!(read(Format::JsonLines, format!("\u{feff}{}\r\n", json_line("a"))), Ok(words(&[(1, 1, "a")])));
}

#[test]
fn a_quote_in_the_wrong_place_takes_no_other_line_with_it() {
    let read = csv(
        "a,\"Lamp,,100,usd\nb,\"Lamp\",,100,usd\nc,19\" lamp,,100,usd\nd,\"Lamp\" ,,100,usd\ne,Lamp,,100,usd\n",
    );
    assert_eq!(
        read,
        Ok(words(&[
            (2, 2, "has text after a closing quote"),
            (3, 3, "b"),
            (4, 4, "has a quote inside an unquoted field"),
            (5, 5, "has text after a closing quote"),
            (6, 6, "e"),
        ]))
    );
    let last = csv("a,Lamp,,100,usd\nb,\"Lamp,,100,usd\nc,Lamp,,100,usd\n");
    assert_eq!(last, Ok(words(&[(2, 2, "a"), (3, 3, "has a quote that is never closed"), (4, 4, "c")])));
}

#[test]
fn what_is_too_long_is_refused_without_its_being_kept() {
    let long = "x".repeat(LONGEST + 1);
    let why = "is longer than 64 KB, or has a quote that is never closed";
    let text = format!("{}\n{long}\n{}\n{long}", json_line("a"), json_line("b"));
    let mut reader = Reader::new(Format::JsonLines);
    for piece in text.as_bytes().chunks(1000) {
        reader.push(piece);
        while reader.next().expect("reads").is_some() {}
        assert!(reader.buffer.len() <= LONGEST + 1000);
    }
    for size in [1000, 1_000_000] {
        let read = read_in(size, Format::JsonLines, text.as_bytes());
        assert_eq!(read, Ok(words(&[(1, 1, "a"), (2, 2, why), (3, 3, "b"), (4, 4, why)])), "{size}");
    }
    let open = format!("{HEAD}a,\"Lamp,,100,usd\n{}", "b,Lamp,,100,usd\n".repeat(LONGEST / 10));
    let read = read_in(1000, Format::Csv, open.as_bytes()).expect("reads");
    assert_eq!((read.len(), &read[0].2, &read[1].2), (LONGEST / 10 + 1, &why.to_owned(), &"b".to_owned()));
}

#[test]
fn each_wrong_field_is_named_as_its_file_names_it() {
    let read = csv(
        "a,Lamp,,19.99,usd\nb,,,100,usd\n,Lamp,,100,usd\nd,Lamp,,100,USD\ne,Lamp,100,usd\nf,Lamp,,,usd\n\
         g,Lamp,,5124,kwd\nh,Lamp,,-1,usd\n",
    );
    assert_eq!(
        read,
        Ok(words(&[
            (2, 2, "amount must be a whole number"),
            (3, 3, "name must have 1 to 200 characters, at least one of them visible"),
            (4, 4, "sku must be one line of 1 to 100 visible characters, with spaces only between them"),
            (5, 5, "currency must be a currency code of three lower-case letters, such as usd"),
            (6, 6, "has 4 fields, but the first line names 5 columns"),
            (7, 7, "amount must be a whole number"),
            (8, 8, "amount must come to a multiple of 0.010 kwd"),
            (9, 9, "amount must be a whole number of minor units, 0 or more"),
        ]))
    );
    let head = "sku,name,description,amount,currency,featured,stock\n";
    let read = self::read(
        Format::Csv,
        format!("{head}a,Lamp,,1,usd,yes,\nb,Lamp,,1,usd,,many\nc,Lamp,,1,usd,true,7\n"),
    );
    assert_eq!(
        read,
        Ok(words(&[
            (2, 2, "featured must be true or false"),
            (3, 3, "stock must be a whole number"),
            (4, 4, "c")
        ]))
    );
}

#[test]
fn a_line_of_json_is_read_as_a_new_product_is() {
    let unknown = json_line("b").replace("\"name\"", "\"colour\"");
    let without = json_line("c").replace("\"sku\":\"c\"", "\"stock\":1");
    let text = format!("{}\n{unknown}\n{without}\n{{\n[1]\n7\n", json_line("a"));
    let read = read(Format::JsonLines, text).expect("reads");
    assert_eq!(read[0].2, "a");
    assert!(read[1].2.starts_with("colour is not a known field"), "{}", read[1].2);
    let rest: Vec<_> = read[2..].iter().map(|(line, _, words)| (*line, words.as_str())).collect();
    assert_eq!(
        rest,
        [(3, "sku is missing"), (4, "is not valid JSON"), (5, "must be an object"), (6, "must be an object")]
    );
}

#[test]
fn a_line_of_another_encoding_is_refused_alone() {
    let latin = |text: &str| {
        text.replace('é', "\u{1}")
            .into_bytes()
            .iter()
            .map(|&b| if b == 1 { 0xe9 } else { b })
            .collect::<Vec<_>>()
    };
    let read = read(Format::Csv, latin(&format!("{HEAD}a,Café,,1,usd\nb,Lamp,,1,usd\n")));
    assert_eq!(read, Ok(words(&[(2, 2, "is not UTF-8"), (3, 3, "b")])));
    let lines = latin(&format!("{}\n{}\n", json_line("é"), json_line("b")));
    assert_eq!(self::read(Format::JsonLines, lines), Ok(words(&[(1, 1, "is not UTF-8"), (2, 2, "b")])));
}

#[test]
fn a_file_whose_columns_are_not_known_is_not_read_at_all() {
    for (text, why) in [
        ("", "it is empty: its first line has to name the columns"),
        ("\n\r\n", "it is empty: its first line has to name the columns"),
        (
            "sku,name,description,amount,currency,colour\n",
            "its first line names a column “colour”: there are only sku, name, description, amount, currency, featured, stock",
        ),
        ("sku,name,sku,description,amount,currency", "its first line names the column sku twice"),
        ("sku,name,description,currency\n", "its first line names no column amount"),
    ] {
        assert_eq!(read(Format::Csv, text), Err(why.to_owned()), "{text:?}");
    }
    assert_eq!(read(Format::Csv, HEAD), Ok(Vec::new()));
    assert_eq!(read(Format::JsonLines, "\n"), Ok(Vec::new()));
}

#[test]
fn a_file_is_written_as_its_name_says() {
    for (key, format) in [
        ("products/a.csv", Some(Format::Csv)),
        ("products/A.CSV", Some(Format::Csv)),
        ("a.jsonl", Some(Format::JsonLines)),
        ("a.b.ndjson", Some(Format::JsonLines)),
        ("a.json", None),
        ("csv", None),
        ("", None),
    ] {
        assert_eq!(Format::of(key), format, "{key}");
    }
}

proptest! {
    #[test]
    fn what_others_write_is_read_whatever_it_holds(
        texts in prop::collection::vec("[a-z\", \r\n]{0,12}", 1..8),
        size in 1..40_usize,
    ) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["sku", "name", "description", "amount", "currency"]).expect("writes");
        let mut expected = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            let sku = format!("s{number}");
            writer.write_record([&sku, "Lamp", text, "1", "usd"]).expect("writes");
            expected.push((sku, text.trim().to_owned()));
        }
        let written = writer.into_inner().expect("writes");
        let (mut reader, mut found) = (Reader::new(Format::Csv), Vec::new());
        for piece in written.chunks(size) {
            reader.push(piece);
            while let Some(record) = reader.next().expect("reads") {
                let product = record.read.expect("a product");
                found.push((product.sku, product.description));
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_at_all_upset_it_and_every_line_is_passed_once(
        bytes in prop::collection::vec(prop::sample::select(b"a\",\r\n\xff1".to_vec()), 0..200),
        size in 1..50_usize,
        csv in any::<bool>(),
    ) {
        let (format, head) = if csv { (Format::Csv, HEAD) } else { (Format::JsonLines, "") };
        let text = [head.as_bytes(), &bytes].concat();
        let read = read_in(size, format, &text).expect("reads");
        prop_assert_eq!(&read, &read_in(usize::MAX, format, &text).expect("reads"));
        let mut before = 0;
        for (line, until, _) in read {
            prop_assert!(line > before && until >= line);
            before = until;
        }
    }
}

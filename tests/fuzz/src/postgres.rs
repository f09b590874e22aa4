//! Reads an argument as Postgres would, after its documentation (4.1.2 and 8.15.6), strictly: whatever would read
//! differently under another server setting is a fault as well.

/// Type and input text (none is null) of a whole argument. Panics if the text is anything but one literal.
pub(crate) fn read(argument: &str) -> (String, Option<String>) {
    let mut reader = Reader { rest: argument };
    reader.expect("(");
    let text = if reader.take("null") {
        None
    } else if reader.take("convert_from(decode(") {
        let shielded = reader.string();
        reader.expect(",");
        assert_eq!(reader.string(), "base64");
        reader.expect(")");
        reader.expect(",");
        assert_eq!(reader.string(), "UTF8");
        reader.expect(")");
        Some(String::from_utf8(base64(&shielded)).expect("convert_from takes UTF-8"))
    } else {
        Some(reader.string())
    };
    reader.expect("::");
    let sql = reader.type_name();
    reader.expect(")");
    assert!(reader.rest.is_empty(), "left its literal: {argument}");
    (sql, text)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, word: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(word) else { return false };
        self.rest = rest;
        true
    }

    fn expect(&mut self, word: &str) {
        assert!(self.take(word), "{word} expected at {}", self.rest);
    }

    /// A string constant without anything in it that needs an escape: a quote would, and a backslash would where
    /// `standard_conforming_strings` is off.
    fn string(&mut self) -> String {
        self.expect("'");
        let end = self.rest.find('\'').expect("an open literal");
        let (text, rest) = self.rest.split_at(end);
        assert!(!text.contains(['\\', '\0']) && text.is_ascii(), "{text:?}");
        assert!(!rest.starts_with("''"), "a doubled quote: {rest}");
        self.rest = &rest[1..];
        text.to_owned()
    }

    fn type_name(&mut self) -> String {
        let end = self.rest.find(')').expect("an open parenthesis");
        let (name, rest) = self.rest.split_at(end);
        let word = name.strip_suffix("[]").unwrap_or(name);
        assert!(!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
        self.rest = rest;
        name.to_owned()
    }
}

/// RFC 4648 with padding, as Postgres' `decode` wants it.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(text.len() % 4, 0, "base64 without its padding: {text}");
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        assert!(padding <= 2, "{text}");
        let value =
            |byte: &u8| ALPHABET.iter().position(|letter| letter == byte).expect("a letter of base64");
        let bits = group[..4 - padding].iter().fold(0, |bits, byte| bits << 6 | value(byte)) << (6 * padding);
        bytes.extend((0..3 - padding).map(|index| (bits >> (16 - 8 * index) & 0xff) as u8));
    }
    bytes
}

/// The elements of an array's input text, of one dimension and with the usual delimiter.
pub(crate) fn read_array(text: &str) -> Vec<Option<String>> {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).expect("braces");
    let mut characters = inner.chars().peekable();
    let mut items = Vec::new();
    if characters.peek().is_none() {
        return items;
    }
    loop {
        if characters.next_if_eq(&'"').is_some() {
            let mut item = String::new();
            loop {
                match characters.next().expect("an open quote") {
                    '"' => break,
                    '\\' => item.push(characters.next().expect("an escape of nothing")),
                    character => item.push(character),
                }
            }
            items.push(Some(item));
        } else {
            let mut item = String::new();
            while let Some(character) = characters.next_if(|character| *character != ',') {
                assert!(!"{}\"\\ \t\n\r".contains(character), "unquoted {character:?}");
                item.push(character);
            }
            assert!(!item.is_empty(), "an element of nothing");
            // Unquoted, the word means null in whatever case.
            items.push((!item.eq_ignore_ascii_case("null")).then_some(item));
        }
        match characters.next() {
            None => return items,
            Some(',') => {}
            Some(other) => panic!("{other:?} after an element"),
        }
    }
}

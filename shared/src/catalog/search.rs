//! Finding products by words.

use std::str::FromStr;

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;
use sqlx::{FromRow, Row, postgres::PgRow};
use time::OffsetDateTime;

use super::Product;
use crate::{
    cache,
    database::{Database, Statement},
    error::{Result, internal},
};

static SEARCH: Statement = Statement::new("catalog.search", include_str!("search.sql"));

/// The most products of a page.
pub const MOST_FOUND: u16 = 50;
/// The most products that may be skipped. Each is ranked anew for every page, and nobody reads that far.
pub const MOST_SKIPPED: u16 = 1000;

/// What to look for: 1 to 100 characters in lower case, one space between words. Two callers who mean the same ask the
/// same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(String);

impl FromStr for Words {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        match words.chars().count() {
            _ if words.contains(char::is_control) => Err("must not contain control characters"),
            1..=100 => Ok(Self(words)),
            _ => Err("must have 1 to 100 characters, at least one of them no space"),
        }
    }
}

/// One page of a search.
#[derive(Clone, Debug)]
pub struct Search {
    /// What to look for.
    pub words: Words,
    /// Products of the page, at most [`MOST_FOUND`].
    pub limit: u16,
    /// Products to skip, at most [`MOST_SKIPPED`].
    pub offset: u16,
}

impl Search {
    /// The key under which its answer is cached: a digest, because callers choose the words.
    pub fn key(&self) -> String {
        let Self { words: Words(words), limit, offset } = self;
        let digest = digest::digest(&digest::SHA256, format!("{limit} {offset} {words}").as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(digest)
    }
}

struct Found {
    product: Product,
    excerpt: String,
}

impl<'r> FromRow<'r, PgRow> for Found {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { product: Product::from_row(row)?, excerpt: row.try_get("excerpt")? })
    }
}

#[derive(Serialize)]
struct Page<'a> {
    query: &'a str,
    products: Vec<Highlighted>,
    next_offset: Option<u16>,
}

#[derive(Serialize)]
struct Highlighted {
    #[serde(flatten)]
    product: Product,
    highlight: String,
}

/// The products found, as the cache keeps them; the version is the time of reading, in microseconds.
pub async fn search(database: &Database, search: &Search) -> Result<Option<cache::Entry>> {
    let Search { words: Words(words), limit, offset } = search;
    // One more than asked for tells whether there is a next page.
    let query = SEARCH.bind(words.as_str()).bind(i64::from(*limit) + 1).bind(i64::from(*offset));
    let mut found: Vec<Found> = database.fetch_all(query).await?;
    let more = found.len() > usize::from(*limit);
    found.truncate(usize::from(*limit));
    let products = found
        .into_iter()
        .map(|Found { product, excerpt }| Highlighted { product, highlight: highlight(&excerpt) });
    let next_offset = Some(offset + limit).filter(|next| more && *next <= MOST_SKIPPED);
    let page = Page { query: words, products: products.collect(), next_offset };
    let version = i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000).map_err(internal)?;
    Ok(Some(cache::Entry { body: serde_json::to_vec(&page).map_err(internal)?.into(), version }))
}

/// HTML that says nothing but which words matched: the text is escaped first, and only then do marks become tags.
fn highlight(excerpt: &str) -> String {
    let (mut html, mut marked) = (String::with_capacity(excerpt.len() + 32), false);
    for character in excerpt.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // Marks that a product's own text brought along open and close nothing twice.
            START | STOP if marked == (character == START) => {}
            START => {
                html.push_str("<mark>");
                marked = true;
            }
            STOP => {
                html.push_str("</mark>");
                marked = false;
            }
            _ => html.push(character),
        }
    }
    if marked {
        html.push_str("</mark>");
    }
    html
}

/// `chr(2)` and `chr(3)` of the statement.
const START: char = '\u{2}';
const STOP: char = '\u{3}';

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<String, &'static str> {
        text.parse().map(|Words(words)| words)
    }

    #[test]
    fn it_takes_the_same_words_for_the_same_search() {
        assert_eq!(words("  Walnut\t LAMP\n"), Ok("walnut lamp".to_owned()));
        let key =
            |text: &str, limit, offset| Search { words: text.parse().expect("words"), limit, offset }.key();
        assert_eq!(key("Lamp ", 20, 0), key("lamp", 20, 0));
        assert_ne!(key("lamp", 20, 0), key("lamp", 20, 20));
        assert_ne!(key("lamp", 20, 0), key("lamps", 20, 0));
        assert!(key(&"é".repeat(100), 50, 1000).len() < 50);
    }

    #[test]
    fn it_refuses_what_nobody_types() {
        for text in ["", " \t ", "a\0b", "\u{1b}[2J", &"a".repeat(101)] {
            assert!(words(text).is_err(), "{text:?}");
        }
        assert!(words(&"a".repeat(100)).is_ok());
    }

    #[test]
    fn a_highlight_holds_no_tags_but_its_own() {
        let text = "<script>alert('\u{2}oak\u{3}')</script> & \"\u{2}<b>\u{3}\"";
        assert_eq!(
            highlight(text),
            "&lt;script&gt;alert(&#39;<mark>oak</mark>&#39;)&lt;/script&gt; &amp; \
             &quot;<mark>&lt;b&gt;</mark>&quot;"
        );
    }

    #[test]
    fn a_highlight_is_balanced_whatever_the_text_brings_along() {
        for text in ["\u{3}a\u{2}b\u{2}c\u{3}\u{3}", "a\u{2}b", "\u{3}\u{3}", "\u{2}\u{2}"] {
            let html = highlight(text);
            assert_eq!(html.matches("<mark>").count(), html.matches("</mark>").count(), "{html}");
        }
        assert_eq!(highlight("\u{3}a\u{2}b\u{2}c\u{3}\u{3}"), "a<mark>bc</mark>");
    }
}

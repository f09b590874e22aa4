//! Static SQL text and the arguments bound to it.

use std::fmt;

use super::argument::Argument;
use super::error::{Error, Result};
use super::limits::{MAX_BULK_TEXT_BYTES, MAX_LONG_TEXT_BYTES, MAX_TEXT_BYTES};
use super::{placeholder, stored};

/// One SQL statement: static text with `$1…$n`, and the name by which logs, errors and `pg_stat_statements` know it.
///
/// Declared as a `static` it is checked by the compiler: numbering, quotes, and that it is one statement.
///
/// ```
/// use shared::database::Statement;
///
/// static FIND: Statement = Statement::new("catalog.find", "select name from products where id = $1");
/// let query = FIND.bind(uuid::Uuid::now_v7());
/// ```
///
/// ```compile_fail
/// # use shared::database::Statement;
/// static TWO: Statement = Statement::new("catalog.two", "begin; select 1");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    name: &'static str,
    text: &'static str,
    /// Where its first word starts and ends.
    word: (usize, usize),
    arguments: usize,
    longest: usize,
    /// Of the text, if it is stored.
    digest: Option<u64>,
}

impl Statement {
    /// A statement called `domain.verb` (lower case letters, digits, `.`, `_`).
    ///
    /// # Panics
    ///
    /// In the compiler when it makes a `static`: on a bad name, on a gap in `$1…$n`, on several statements in one text,
    /// and on quoting that means different things under different server settings.
    #[must_use]
    pub const fn new(name: &'static str, text: &'static str) -> Self {
        assert_is_name(name.as_bytes());
        let (word, arguments) = (placeholder::first_word(text), placeholder::count(text));
        Self { name, text, word, arguments, longest: MAX_TEXT_BYTES, digest: None }
    }

    /// The same, planned once for each server connection instead of each time (`stored.rs`). For what many requests
    /// wait for, and what is best carried out in one way whatever its arguments are; it has to return rows, and to be
    /// listed in `install.rs`. Within a transaction it is sent whole.
    ///
    /// # Panics
    ///
    /// In the compiler when it makes a `static`: on a name that leaves no room for the digest behind it.
    #[must_use]
    pub const fn stored(self) -> Self {
        assert!(self.name.len() <= stored::MAX_NAME, "a stored statement's name has at most 46 characters");
        Self { digest: Some(stored::digest(self.text)), ..self }
    }

    /// The same with arguments that may take up to 32 KB. The connection that carried more than 16 KB is closed
    /// afterwards, which ends what RDS Proxy made of it: so only for statements outside transactions, and where that
    /// much is rare.
    #[must_use]
    pub const fn long(self) -> Self {
        Self { longest: MAX_LONG_TEXT_BYTES, ..self }
    }

    /// The same for work that nobody waits for and that is done by one invocation at a time: up to 1 MB.
    #[must_use]
    pub const fn bulk(self) -> Self {
        Self { longest: MAX_BULK_TEXT_BYTES, ..self }
    }

    /// The name given to it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text with its placeholders, as written.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// Binds `$1`; go on with [`Query::bind`]. A statement without arguments is a query as it is.
    pub fn bind(self, argument: impl Into<Argument>) -> Query {
        Query::from(self).bind(argument)
    }
}

/// The name travels in a comment inside the text, so it must not be able to end that comment.
const fn assert_is_name(name: &[u8]) {
    assert!(!name.is_empty() && name.len() <= 60, "a statement's name has 1 to 60 characters");
    let mut at = 0;
    while at < name.len() {
        assert!(
            matches!(name[at], b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_'),
            "a statement's name is made of lower case letters, digits, `.` and `_`"
        );
        at += 1;
    }
}

/// A statement with arguments bound, ready to be sent.
///
/// Binding cannot fail; sending reports a wrong number of arguments, a value that Postgres cannot hold, and a text that
/// grew too long.
#[must_use = "a query does nothing until it is handed to a database"]
pub struct Query {
    statement: Statement,
    arguments: Vec<Argument>,
}

impl Query {
    /// Binds the next placeholder.
    pub fn bind(mut self, argument: impl Into<Argument>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(super) fn name(&self) -> &'static str {
        self.statement.name
    }

    /// The text to send: the static pieces with literals between them. Literals are appended and never read.
    ///
    /// It begins with its first word, and the name stands behind it. `pg_stat_statements` keeps a comment there in
    /// every version; one before the text is dropped from Postgres 18 on, and one at its end is cut off wherever a long
    /// text is.
    pub(super) fn render(&self) -> Result<String> {
        let Statement { name, text, word: (start, end), .. } = self.statement;
        let literals = self.literals()?;
        let mut rendered = format!("{} /* {name} */", &text[start..end]);
        let mut at = end;
        while let Some(found) = placeholder::next(text, at) {
            rendered.push_str(&text[at..found.start]);
            rendered.push_str(literals[found.number - 1]);
            at = found.end;
        }
        rendered.push_str(&text[at..]);
        self.bounded(rendered)
    }

    /// The call to send instead, if the statement is stored.
    pub(super) fn call(&self) -> Result<Option<String>> {
        let Statement { name, digest: Some(digest), .. } = self.statement else { return Ok(None) };
        let (function, literals) = (stored::function(name, digest), self.literals()?.join(", "));
        self.bounded(format!("select /* {name} */ * from {}.{function}({literals})", stored::SCHEMA))
            .map(Some)
    }

    fn literals(&self) -> Result<Vec<&str>> {
        let Statement { name, arguments, .. } = self.statement;
        if self.arguments.len() != arguments {
            let bound = self.arguments.len();
            return Err(Error::bad_argument(
                name,
                format!("takes {arguments} arguments and {bound} were bound"),
            ));
        }
        let numbered = self.arguments.iter().enumerate();
        let literals = numbered.map(|(index, argument)| {
            let refused = |why| Error::bad_argument(name, format!("${}: {why}", index + 1));
            argument.literal().map_err(refused)
        });
        literals.collect()
    }

    fn bounded(&self, rendered: String) -> Result<String> {
        let Statement { name, longest, .. } = self.statement;
        if rendered.len() > longest {
            return Err(Error::TooLarge { at: name, bytes: rendered.len() });
        }
        Ok(rendered)
    }
}

impl From<Statement> for Query {
    fn from(statement: Statement) -> Self {
        Self { statement, arguments: Vec::with_capacity(statement.arguments) }
    }
}

impl From<&Statement> for Query {
    fn from(statement: &Statement) -> Self {
        Self::from(*statement)
    }
}

/// Without the arguments: they may be personal.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("statement", &self.statement.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::MAX_IDS;

    static ECHO: Statement = Statement::new("test.echo", "select $2, '$1', $1");

    #[test]
    fn it_puts_each_literal_in_its_place() {
        let text = ECHO.bind(7).bind(true).render().expect("renders");
        assert_eq!(text, "select /* test.echo */ ('true'::boolean), '$1', ('7'::integer)");
    }

    #[test]
    fn it_never_reads_an_argument_again() {
        let text = ECHO.bind("$2 '; drop table users; --").bind(vec!["$1"]).render().expect("renders");
        assert!(!text.contains("drop") && !text.contains('{'), "{text}");
    }

    #[test]
    fn it_refuses_a_wrong_number_of_arguments() {
        for query in [Query::from(ECHO), ECHO.bind(1), ECHO.bind(1).bind(2).bind(3)] {
            assert!(matches!(query.render(), Err(Error::BadArgument { at: "test.echo", .. })));
        }
    }

    #[test]
    fn it_refuses_nul_and_names_the_place_and_not_the_value() {
        for argument in [Argument::from("secret\0"), Argument::from(["secret\0"])] {
            let error = ECHO.bind(1).bind(argument).render().expect_err("NUL");
            assert_eq!(
                error.to_string(),
                "test.echo: $2: text holds a NUL character, which Postgres cannot store"
            );
        }
    }

    #[test]
    fn it_refuses_text_that_would_pin_the_proxy() {
        let fits = ECHO.bind("a".repeat(12_000)).bind(1).render().expect("fits");
        assert!(fits.len() > 16_000 && fits.len() <= MAX_TEXT_BYTES);
        let error = ECHO.bind("a".repeat(12_300)).bind(1).render().expect_err("too large");
        assert!(matches!(error, Error::TooLarge { bytes, .. } if bytes > MAX_TEXT_BYTES));
        assert!(ECHO.long().bind("a".repeat(24_000)).bind(1).render().is_ok());
        assert!(ECHO.long().bind("a".repeat(25_000)).bind(1).render().is_err());
        assert!(ECHO.bulk().bind("a".repeat(780_000)).bind(1).render().is_ok());
        assert!(ECHO.bulk().bind("a".repeat(790_000)).bind(1).render().is_err());
    }

    #[test]
    fn it_takes_as_many_ids_as_it_says() {
        let text = ECHO.bind(vec![uuid::Uuid::max(); MAX_IDS]).bind(1).render().expect("fits");
        assert!(text.len() + 1500 < MAX_TEXT_BYTES, "{}", text.len());
    }

    #[test]
    fn it_keeps_arguments_out_of_debug_output() {
        assert!(!format!("{:?}", ECHO.bind("secret").bind(1)).contains("c2VjcmV0"));
    }
}

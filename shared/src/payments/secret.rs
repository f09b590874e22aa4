//! A credential that cannot reach a log by accident.

use std::fmt;

/// A secret key or a signing secret: its `Debug` shows only that it is there, and it has no `Display`.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the secret as it was configured; surrounding white space (a pasted line break) is not part of it.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self(secret.trim().to_owned())
    }

    /// The secret itself, for the one place that has to send it or sign with it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_show_itself_in_debug_output() {
        let shown = format!("{:?}", Secret::new("sk_test_millrace\n"));
        assert!(!shown.contains("millrace"), "{shown}");
    }

    #[test]
    fn it_drops_the_line_break_that_was_pasted_with_it() {
        assert_eq!(Secret::new("sk_test_millrace\n").reveal(), "sk_test_millrace");
    }
}

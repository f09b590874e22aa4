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

/// The fewest characters of a signing secret. The provider's have 38; one that can be guessed lets anybody sign.
const SHORTEST: usize = 16;

/// Signing secrets that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "PAYMENTS_WEBHOOK_SECRET must be the endpoint's signing secret, or several with commas between; one has {0} characters, \
         and none may have fewer than {SHORTEST}"
)]
pub struct TooShort(usize);

/// The secrets that a setting lists, with commas between. Each of them alone is believed, so each must be one.
pub fn signing_secrets(setting: &str) -> Result<Vec<Secret>, TooShort> {
    let read = |secret: &str| {
        let secret = Secret::new(secret);
        let length = secret.reveal().chars().count();
        if length < SHORTEST { Err(TooShort(length)) } else { Ok(secret) }
    };
    setting.split(',').map(read).collect()
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
    fn every_member_of_a_list_of_signing_secrets_is_one() {
        let (one, other) = ("whsec_0123456789abcdef", "whsec_fedcba9876543210");
        let both = signing_secrets(&format!("{one}, {other}\n")).expect("two");
        assert_eq!(both, [Secret::new(one), Secret::new(other)]);
        assert_eq!(signing_secrets(one).expect("one"), [Secret::new(one)]);
        for setting in [
            "",
            " ",
            ",",
            "whsec_a",
            &format!("{one},"),
            &format!(",{one}"),
            &format!("{one},,{other}"),
            &format!("{one}, \t"),
        ] {
            let refused = signing_secrets(setting).expect_err("a list with a member that is not a secret");
            assert!(!refused.to_string().contains("0123"), "{refused}");
        }
    }

    #[test]
    fn it_drops_the_line_break_that_was_pasted_with_it() {
        assert_eq!(Secret::new("sk_test_millrace\n").reveal(), "sk_test_millrace");
    }
}

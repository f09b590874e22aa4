//! Who a verified access token says is calling.

use aws_lc_rs::digest::{SHA256, digest};
use uuid::{Builder, Uuid};

use super::token::Role;

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's id here.
    pub id: Uuid,
    /// What the user may do.
    pub role: Role,
    /// Who the user is at the identity provider, where there is one. Then there may be no row of the user yet: the
    /// statement that needs one makes it.
    pub subject: Option<Subject>,
}

impl User {
    /// Somebody with an account of the shop's own.
    #[must_use]
    pub fn of_shop(id: Uuid, role: Role) -> Self {
        Self { id, role, subject: None }
    }
}

/// Somebody whom an identity provider knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The provider.
    pub issuer: String,
    /// The provider's name for this person (`sub`), which never becomes another's.
    pub name: String,
}

impl Subject {
    /// The same id for the same person, at every time and in every environment, so that nobody has to look it up: a
    /// version 8 UUID of a SHA-256, as in RFC 9562, appendix B.2. An issuer holds no line break.
    #[must_use]
    pub fn user_id(&self) -> Uuid {
        let named = digest(&SHA256, format!("{}\n{}", self.issuer, self.name).as_bytes());
        let first = named.as_ref().iter().zip(0..16).fold([0; 16], |mut first, (byte, at)| {
            first[at] = *byte;
            first
        });
        Builder::from_custom_bytes(first).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(issuer: &str, name: &str) -> String {
        Subject { issuer: issuer.to_owned(), name: name.to_owned() }.user_id().to_string()
    }

    /// `printf 'https://id.example.com\nada' | sha256sum`, with version and variant put in. Orders hold it: it never
    /// changes.
    #[test]
    fn the_same_person_has_the_same_id_for_ever_and_no_other_has_it() {
        let ada = id("https://id.example.com", "ada");
        assert_eq!(ada, "87d3e20b-0685-8cc8-9350-3ee5bcbd1c37");
        assert_ne!(ada, id("https://id.example.com", "bob"));
        assert_ne!(ada, id("https://id.example.org", "ada"));
    }
}

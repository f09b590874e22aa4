//! Statements whose plan Postgres keeps.
//!
//! Postgres parses and plans a text each time it arrives, which takes longer than to carry it out: 1.2 of the 1.6 ms of
//! `checkout.place`. The usual remedy are prepared statements. They belong to one server connection, which a
//! transaction pooler hands to somebody else (PgBouncer before 1.21) or keeps for one client alone (RDS Proxy pins).
//!
//! A function in PL/pgSQL keeps the plans of its statements too, in each server connection, and to call it is an
//! ordinary statement to every pooler. So `migrate` makes a function of each [`stored`](super::Statement::stored)
//! statement ([`install`](super::migrations::run)), and what is sent is a call of it.
//!
//! A function's name holds a digest of its text: another version of the code calls another function, and both are there
//! while a deployment goes from one to the other. Where a database has no such function (it was restored from before
//! the deployment, or a text was just edited), the text is sent as if it were not stored.

use sqlx::postgres::PgDatabaseError;

/// The schema that has these functions, and nothing else.
pub(super) const SCHEMA: &str = "statements";

/// Longest name of a stored statement: of a function's, Postgres keeps 63 characters, and drops the end without an
/// error. The digest takes 16, and a line before it.
pub(super) const MAX_NAME: usize = 63 - 17;

/// FNV-1a, of 64 bits: tells versions of a text apart, and is computed by the compiler.
pub(super) const fn digest(text: &str) -> u64 {
    let (text, mut at, mut digest) = (text.as_bytes(), 0, 0xcbf2_9ce4_8422_2325_u64);
    while at < text.len() {
        digest = (digest ^ text[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    digest
}

/// The function's name within [`SCHEMA`].
pub(super) fn function(name: &str, digest: u64) -> String {
    format!("{}_{digest:016x}", name.replace('.', "_"))
}

/// Whether the server refused the call because it has no such function (or schema, or none of these types, or none
/// that this role may use), so that nothing was done.
pub(super) fn is_missing(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    let code = error.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code);
    code.is_some_and(|code| ["42883", "3F000", "42725", "42804", "42501"].contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_digests_as_the_algorithm_says() {
        // From the test vectors that its authors publish.
        assert_eq!(digest(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(digest("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(digest("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn it_names_a_function_within_what_postgres_keeps_of_a_name() {
        assert_eq!(function("checkout.refund_attempt", 1), "checkout_refund_attempt_0000000000000001");
        assert_eq!(function(&"a".repeat(MAX_NAME), u64::MAX).len(), 63);
    }
}

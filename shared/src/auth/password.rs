//! Passwords, as argon2id hashes in PHC strings.
//!
//! A hash takes 7 to 15 ms of one core, by what its SIMD can do: work for a blocking thread, because on a
//! `current_thread` runtime it would hold up everything else.
//!
//! A shop that brings its customers along brings hashes that others wrote. They are compared too, and whoever compares
//! them learns that they are due to be replaced.

mod argon;
mod foreign;

use argon::Argon;
use foreign::Foreign;
use unicode_normalization::UnicodeNormalization;

/// A hash of nobody's password, so that a login for an unknown account takes as long as one for a known account.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bWlsbHJhY2Utbm9ib2R5$\
                      BmbpAjNFXYc96u/8/3F5yIQS3gbOfLSi1M6RsA5+uiI";

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stored hash cannot be compared (empty, of a kind that we do not know, too dear), or hashing failed.
    #[error("password hash: {0}")]
    Hash(String),
    /// The blocking thread died.
    #[error("password hashing was cut short")]
    Cancelled,
}

/// Hashes a password for storage.
pub async fn hash(password: String) -> Result<String, Error> {
    blocking(move || argon::hash(&composed(&password)).map_err(Error::Hash)).await
}

/// With its letters composed (NFC), as NIST SP 800-63B-4 has it: some keyboards write an é as one character, and others
/// as two.
#[must_use]
pub fn composed(password: &str) -> String {
    password.nfc().collect()
}

/// How a password compares with a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It is another.
    Wrong,
    /// It is this one.
    Right,
    /// It is this one, and the hash is not one that we would write: it should be replaced.
    Outdated,
    /// It is this one as far as the hash reads it, and another may be too: good for signing in, and not for a new hash,
    /// which would know the owner's own password no more.
    Alike,
}

impl Match {
    /// Whether the password is good for signing in.
    fn is_good(self) -> bool {
        self != Self::Wrong
    }
}

/// How `password` compares with the one behind `stored`; without an account (`None`) it is wrong, after the same work.
///
/// # Errors
/// For a stored hash that cannot be compared: after the same work too, so that nobody can tell such an account from
/// others.
pub async fn verify(password: String, stored: Option<String>) -> Result<Match, Error> {
    blocking(move || compare(&password, stored.as_deref())).await
}

fn compare(password: &str, stored: Option<&str>) -> Result<Match, Error> {
    let composed = composed(password);
    let first = compare_letters(&composed, stored);
    if composed == password || first.as_ref().is_ok_and(|first| first.is_good()) {
        return first;
    }
    // Hashed as it was typed, elsewhere or before letters were composed. The same work whosever it is.
    match (first, compare_letters(password, stored)) {
        (Ok(_), Ok(Match::Right | Match::Outdated)) => Ok(Match::Outdated),
        (Ok(_), Ok(Match::Alike)) => Ok(Match::Alike),
        (first, _) => first,
    }
}

fn compare_letters(password: &str, stored: Option<&str>) -> Result<Match, Error> {
    match stored.map(Stored::read) {
        Some(Ok(stored)) => stored.compare(password),
        Some(Err(why)) => nobodys(password).and(Err(Error::Hash(why))),
        None => nobodys(password),
    }
}

/// The work of a login, and no match.
fn nobodys(password: &str) -> Result<Match, Error> {
    Argon::read(NOBODY).and_then(|nobodys| nobodys.matches(password)).map_err(Error::Hash)?;
    Ok(Match::Wrong)
}

/// A hash that can be compared.
enum Stored {
    Argon(Argon),
    Foreign(Foreign),
}

impl Stored {
    fn read(stored: &str) -> Result<Self, String> {
        match Foreign::read(stored) {
            Some(foreign) => foreign.map(Self::Foreign),
            None => Argon::read(stored).map(Self::Argon),
        }
    }

    fn compare(&self, password: &str) -> Result<Match, Error> {
        let same = match self {
            Self::Argon(hash) => hash.matches(password),
            Self::Foreign(hash) => hash.matches(password),
        };
        // One that only shows when it is compared costs the same work as one that shows when it is read.
        let same = match same {
            Ok(same) => same,
            Err(why) => return nobodys(password).and(Err(Error::Hash(why))),
        };
        match (same, self) {
            (true, Self::Argon(hash)) if hash.is_ours() => Ok(Match::Right),
            (true, Self::Foreign(hash)) if !hash.tells_apart(password) => Ok(Match::Alike),
            (true, _) => Ok(Match::Outdated),
            (false, Self::Argon(hash)) if hash.is_ours() => Ok(Match::Wrong),
            // A cheap one must not show in the time that a wrong password takes; of a right one a new hash is made,
            // which takes it.
            (false, _) => nobodys(password),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Cancelled)?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As crypt(3), argon2's reference, passlib and Django write them.
    const FOREIGN: [&str; 14] = [
        "$2b$04$abcdefghijklmnopqrstuumH1BFkDxi3LKCbP6FQ2juPgiLLcuV6S",
        "$scrypt$ln=10,r=8,p=1$c2FsdCBvZiBhIHRlc3QhIQ$QMHFKsn5Vb5K51loNOzwW5Dy4V5c1Lzb6LbnZSRJGcc",
        "$pbkdf2-sha256$i=1000,l=32$c2FsdCBvZiBhIHRlc3QhIQ$wpLlRas/43xnP0bfXvO4h5ZpV1JrR/VlMlZS02lSmIc",
        "$pbkdf2-sha512$1000$c2FsdCBvZiBhIHRlc3QhIQ$kVlWijfOh5.SUD3O8CLuUpBC2RweD22Wv4rxOvG6qzW1sCec9jZDHl5myCP.A8B\
         5f687nHctcp3qw0DrOI3tWA",
        "pbkdf2_sha256$1000$saltOfATest$iupGHj1Ltu6lS0GG+Mw/xbspVb/Tx5dIh+q59GN+hgI=",
        "$argon2i$v=19$m=1024,t=2,p=1$c2FsdCBvZiBhIHRlc3QhIQ$J9l/vmIPSZkjTrEvNUvEIlGXqC8Z9rHJuFT9Ii1QAYI",
        "$argon2id$v=19$m=4096,t=3,p=4$c2FsdCBvZiBhIHRlc3QhIQ$08ySJsj9pnW58l4MomF65fKDFLxvvyHw2fMr0QEeDsA",
        "$argon2d$v=19$m=1024,t=1,p=1$c2FsdCBvZiBhIHRlc3QhIQ$gA6jhSc0d+6SitOGgsvVmoGG03HKKcHrkbi07kkldoc",
        "argon2$argon2id$v=19$m=4096,t=3,p=4$c2FsdCBvZiBhIHRlc3QhIQ$08ySJsj9pnW58l4MomF65fKDFLxvvyHw2fMr0QEeDsA",
        // Made by Django 5.2.19 and passlib 1.7.4, with less work than they do by themselves.
        "scrypt$1024$saltOfATest$8$5$Xb7tuDkWhdiRSSoP3fag41IZ4Q+UItFSVrV8onY73Hu6NmlUC2id5XzYmXHOrvOiTo8jKbxtdxoSbjVqET\
         W0QQ==",
        "bcrypt$$2b$04$QNT9Cabg8/Op.yPjsvhGSuXezXJOAAPyejf3u04FlHBURvMzY8aqu",
        "bcrypt_sha256$$2b$04$qn2jamHTXlpFCBWFvvQ0DOe9CkLFrHwEX6Bu7R3Dfm53VUN34myd.",
        "pbkdf2_sha1$1000$saltOfATest$vhNuZ0OM9bkoRZoVHubh6Ion8FA=",
        "$bcrypt-sha256$v=2,t=2b,r=4$cRZKs8EE6m6nVFTONWgO9.$IMcuGT9mOL3.wFhS3tALXXtBvUu0dLy",
    ];

    #[tokio::test]
    async fn it_accepts_the_right_password_and_refuses_every_other() {
        let stored = hash("correct horse".to_owned()).await.expect("hashes");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let compared =
            async |password: &str| verify(password.to_owned(), Some(stored.clone())).await.expect("verifies");
        assert_eq!(compared("correct horse").await, Match::Right);
        assert_eq!(compared("Correct horse").await, Match::Wrong);
    }

    #[tokio::test]
    async fn a_letter_with_an_accent_is_the_same_however_a_keyboard_writes_it() {
        let (one, two) = ("caf\u{e9} au lait", "cafe\u{301} au lait");
        for (chosen, typed) in [(one, two), (two, one), (two, two)] {
            let stored = hash(chosen.to_owned()).await.expect("hashes");
            assert_eq!(verify(typed.to_owned(), Some(stored)).await.expect("verifies"), Match::Right);
        }
        // As others hashed it, and we did once.
        let stored = argon::hash(two).expect("hashes");
        assert_eq!(compare(two, Some(&stored)).expect("verifies"), Match::Outdated);
        assert_eq!(compare("cafe\u{301}", Some(&stored)).expect("verifies"), Match::Wrong);
        let work = argon::work_of(|| compare(two, None));
        assert_eq!(argon::work_of(|| compare("cafe\u{301}", Some(&stored))), work, "whosever it is");
    }

    #[tokio::test]
    async fn an_unknown_account_costs_the_same_work_and_is_refused() {
        // Reading NOBODY must not fail: an error would answer at once and so tell which accounts exist.
        assert_eq!(verify("anything".to_owned(), None).await.expect("does the work"), Match::Wrong);
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_compared_is_an_error_and_neither_a_match_nor_a_panic() {
        let ours = hash("x".to_owned()).await.expect("hashes");
        let with = |params: &str| ours.replace("m=19456,t=2,p=1", params);
        for stored in [
            String::new(),
            "plain".to_owned(),
            "$2b$31$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
            "$2b$12$tooshort".to_owned(),
            "$scrypt$ln=30,r=8,p=1$c29tZXNhbHQ$aGFzaA".to_owned(),
            "scrypt$131072$saltOfATest$8$1$Xb7tuDkWhdiRSSoP3fag41IZ4Q+UItFSVrV8onY73Hs=".to_owned(),
            "scrypt$16384$saltOfATest$8$17$Xb7tuDkWhdiRSSoP3fag41IZ4Q+UItFSVrV8onY73Hs=".to_owned(),
            "scrypt$1000$saltOfATest$8$1$Xb7tuDkWhdiRSSoP3fag41IZ4Q+UItFSVrV8onY73Hs=".to_owned(),
            "bcrypt$$2b$31$QNT9Cabg8/Op.yPjsvhGSuXezXJOAAPyejf3u04FlHBURvMzY8aqu".to_owned(),
            "$bcrypt-sha256$2b,4$cRZKs8EE6m6nVFTONWgO9.$IMcuGT9mOL3.wFhS3tALXXtBvUu0dLy".to_owned(),
            "$pbkdf2-sha256$i=4000000000$c29tZXNhbHQ$aGFzaA".to_owned(),
            "$pbkdf2-sha256$i=1000$c29tZXNhbHQ$".to_owned(),
            "$5$rounds=5000$saltstring$x".to_owned(),
            ours.replace("argon2id", "scrypt"),
            ours.replace("v=19", "v=99"),
            ours[..ours.len() / 2].to_owned(),
            ours.rsplit_once('$').expect("a hash").0.to_owned(),
            with("m=4194304,t=1,p=1"),
            with("m=19456,t=4294967295,p=1"),
            format!("{ours}\u{0}é"),
        ] {
            let verified = verify("x".to_owned(), Some(stored.clone())).await;
            assert!(matches!(verified, Err(Error::Hash(_))), "{stored}: {verified:?}");
        }
    }

    #[test]
    fn whoever_logs_in_with_a_wrong_password_costs_the_work_of_one_hash_of_ours() {
        let work_of_ours = argon::work_of(|| argon::hash("x").expect("hashes"));
        let ours = argon::hash("x").expect("hashes");
        let unreadable = [
            "",
            "plain",
            "$2b$31$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            // What is wrong with these shows when they are compared.
            "$2b$03$abcdefghijklmnopqrstuumH1BFkDxi3LKCbP6FQ2juPgiLLcuV6S",
            "$2b$04$abcdefghijklmnopqrstuumH1BFkDxi3LKCbP6FQ2juPgiLL!uV6S",
        ];
        for stored in [None, Some(ours.as_str())].into_iter().chain(unreadable.map(Some)) {
            assert_eq!(argon::work_of(|| compare("wrong", stored)), work_of_ours, "{stored:?}");
        }
        for stored in FOREIGN {
            assert!(argon::work_of(|| compare("wrong", Some(stored))) >= work_of_ours, "{stored}");
        }
    }

    /// All are of `pleaseletmein`.
    #[tokio::test]
    async fn hashes_of_others_are_compared_and_known_to_be_due() {
        for stored in FOREIGN {
            let compared = async |password: &str| {
                verify(password.to_owned(), Some(stored.to_owned())).await.expect(stored)
            };
            assert_eq!(compared("pleaseletmein").await, Match::Outdated, "{stored}");
            assert_eq!(compared("pleaseletmeout").await, Match::Wrong, "{stored}");
        }
    }

    /// The first two are of 80 letters a, by crypt(3): as they are, and by their digest as Django has it. The others
    /// are of `pleaseletmein`.
    #[tokio::test]
    async fn what_a_hash_does_not_tell_apart_from_its_password_takes_the_place_of_none() {
        const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe";
        const DIGESTED: &str = "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuPyIqj2wL6Wc7Io3l2fPv18mNiqjX5p.";
        let compared = async |password: String, stored: &str| {
            verify(password, Some(stored.to_owned())).await.expect("verifies")
        };
        let a = |times: usize| "a".repeat(times);
        for same in [a(80), a(72), a(72) + "nothing of the kind", a(72) + "e\u{301}"] {
            assert_eq!(compared(same.clone(), BCRYPT).await, Match::Alike, "{same}");
        }
        assert_eq!(compared(a(71), BCRYPT).await, Match::Wrong);
        assert_eq!(compared(a(80), DIGESTED).await, Match::Outdated);
        assert_eq!(compared(a(72), DIGESTED).await, Match::Wrong);
        // To bcrypt a password begins anew after its last character, and PBKDF2 fills it up with NULs.
        let repeated = "pleaseletmein\u{0}pleaseletmein".to_owned();
        assert_eq!(compared(repeated, FOREIGN[0]).await, Match::Alike);
        for stored in &FOREIGN[1..5] {
            assert_eq!(compared("pleaseletmein\u{0}".to_owned(), stored).await, Match::Alike, "{stored}");
        }
    }

    #[test]
    fn what_django_does_by_itself_is_not_too_dear() {
        for stored in [
            "scrypt$16384$saltOfATest$8$5$Xb7tuDkWhdiRSSoP3fag41IZ4Q+UItFSVrV8onY73Hs=",
            "bcrypt_sha256$$2b$12$qn2jamHTXlpFCBWFvvQ0DOe9CkLFrHwEX6Bu7R3Dfm53VUN34myd.",
            "pbkdf2_sha256$1000000$saltOfATest$iupGHj1Ltu6lS0GG+Mw/xbspVb/Tx5dIh+q59GN+hgI=",
        ] {
            assert!(Stored::read(stored).is_ok(), "{stored}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn many_logins_take_the_memory_of_one() {
        const HASH: u64 = 19 * 1024;
        let kilobytes = |name: &str| -> u64 {
            let status = std::fs::read_to_string("/proc/self/status").expect("a process");
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        let before = kilobytes("VmRSS:");
        for _ in 0..16 {
            verify("anything".to_owned(), None).await.expect("does the work");
        }
        // Before the memory was kept it was more than 150 MB.
        let more = kilobytes("VmHWM:") - before;
        assert!((HASH..HASH * 3 / 2).contains(&more), "{more} kB");
    }
}

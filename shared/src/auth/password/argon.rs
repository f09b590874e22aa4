//! argon2: ours, and those of other parameters.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2_rust::params::Memory;
use argon2_rust::{Algorithm, Argon2, Decoded, Error, Hasher, Params, Version, decode_phc};
use aws_lc_rs::rand;

/// Parameters of OWASP's password storage cheat sheet: 19 MiB, two passes, one lane.
const OURS: Argon2 = Argon2::new(
    Algorithm::Argon2id,
    Version::V0x13,
    Params::builder().memory(Memory::mib(19)).passes(2).build_or_panic(),
);

/// The most work of a hash that is still compared, in hashes of ours, and its most memory, in kB: a very dear one would
/// let whoever wrote it take all memory.
const MOST_WORK: u64 = 8;
const MOST_MEMORY: u32 = 64 * 1024;

/// As many as were ever at work together: one on ordinary Lambda. Their memory is kept: allocated anew for each hash,
/// and given back, an environment grew to 239 MB in 200 logins.
static HASHERS: Mutex<Vec<Hasher>> = Mutex::new(Vec::new());

fn hashers() -> MutexGuard<'static, Vec<Hasher>> {
    HASHERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_hasher<T>(argon2: Argon2, work: impl FnOnce(&mut Hasher) -> T) -> T {
    let kept = hashers().pop();
    let mut hasher = kept.unwrap_or_else(|| OURS.hasher());
    hasher.set_argon2(argon2);
    #[cfg(test)]
    tests::DONE.with(|done| done.set(done.get() + self::work(argon2.params())));
    let done = work(&mut hasher);
    hashers().push(hasher);
    done
}

/// The work of the hashes that `action` makes in this thread, in kB passed over.
#[cfg(test)]
pub(super) fn work_of<T>(action: impl FnOnce() -> T) -> u64 {
    let before = tests::DONE.get();
    action();
    tests::DONE.get() - before
}

/// A new hash of ours, as a PHC string.
pub(super) fn hash(password: &str) -> Result<String, String> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(|_| "the system gives no random bytes".to_owned())?;
    with_hasher(OURS, |hasher| hasher.hash_encoded(password.as_bytes(), &salt)).map_err(words)
}

/// A stored hash that is worth comparing.
pub(super) struct Argon(Decoded);

impl Argon {
    /// Of a PHC string, or of Django's, which has a name of its own before it.
    pub(super) fn read(stored: &str) -> Result<Self, String> {
        let phc = stored.strip_prefix("argon2").filter(|phc| phc.starts_with('$')).unwrap_or(stored);
        let hash = decode_phc(phc).map_err(words)?;
        let (memory, passes) = (hash.params.memory_kib(), hash.params.passes());
        let most = MOST_WORK * work(OURS.params());
        if work(&hash.params) > most || memory > MOST_MEMORY {
            return Err(format!("m={memory},t={passes} is more work than a login may take"));
        }
        // As many threads as lanes would make the same hash: thousands of them, if whoever wrote it wanted.
        let params = hash.params.to_builder().threads(1).build().map_err(words)?;
        Ok(Self(Decoded { params, ..hash }))
    }

    /// Whether it is one that [`hash`] could have made.
    pub(super) fn is_ours(&self) -> bool {
        self.argon2() == OURS
    }

    pub(super) fn matches(&self, password: &str) -> Result<bool, String> {
        let Decoded { salt, hash, ad, .. } = &self.0;
        let verify = |hasher: &mut Hasher| hasher.verify_with_ad(password.as_bytes(), salt, &[], ad, hash);
        match with_hasher(self.argon2(), verify) {
            Ok(()) => Ok(true),
            Err(Error::VerifyMismatch) => Ok(false),
            Err(error) => Err(words(error)),
        }
    }

    fn argon2(&self) -> Argon2 {
        Argon2::new(self.0.algorithm, self.0.version, self.0.params)
    }
}

fn work(params: &Params) -> u64 {
    u64::from(params.memory_kib()) * u64::from(params.passes())
}

fn words(error: Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use argon2_rust::params::TagLen;
    use proptest::prelude::*;

    use super::*;

    thread_local! {
        /// What [`work_of`] counts.
        pub(super) static DONE: Cell<u64> = const { Cell::new(0) };
    }

    /// The same by the crate `argon2`, which shares no code with the one that is used.
    fn elsewhere(password: &str, salt: &[u8], hash: &Argon2, output: &mut [u8]) -> Result<(), argon2::Error> {
        let (params, algorithm) = (hash.params(), argon2::Algorithm::new(hash.algorithm().as_str())?);
        let version = argon2::Version::try_from(hash.version().as_u32())?;
        let params =
            argon2::Params::new(params.memory_kib(), params.passes(), params.lanes(), Some(output.len()))?;
        argon2::Argon2::new(algorithm, version, params).hash_password_into(password.as_bytes(), salt, output)
    }

    #[test]
    fn a_hash_of_many_lanes_is_compared_by_one_thread() {
        let stored = "$argon2id$v=19$m=4096,t=3,p=4$c2FsdCBvZiBhIHRlc3QhIQ$08ySJsj9pnW58l4MomF65fKDFLxvvyHw2fMr0QEeDsA";
        let argon = Argon::read(stored).expect("reads");
        assert_eq!((argon.argon2().params().lanes(), argon.argon2().params().threads()), (4, 1));
        assert_eq!(argon.matches("pleaseletmein"), Ok(true));
    }

    #[test]
    fn hashes_do_not_wait_for_each_other_and_their_memory_is_used_again() {
        let two_at_once = || with_hasher(OURS, |_| with_hasher(OURS, |_| ()));
        two_at_once();
        let kept = hashers().len();
        two_at_once();
        assert!(kept >= 2 && hashers().len() == kept, "{kept}, then {}", hashers().len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn another_implementation_makes_the_same_hashes(
            password in ".{0,80}",
            salt in prop::collection::vec(any::<u8>(), 8..40),
            (kind, version) in (0_u32..3, prop::sample::select(vec![0x10, 0x13])),
            (memory, passes, lanes) in (32_u64..600, 1_u32..4, 1_u32..4),
            length in 4_u64..100,
        ) {
            let params = Params::builder().memory(Memory::kib(memory)).passes(passes).lanes(lanes).threads(lanes);
            let params = params.tag_len(TagLen::bytes(length)).build().expect("parameters");
            let kind = Algorithm::from_u32(kind).expect("a kind");
            let argon2 = Argon2::new(kind, Version::from_u32(version).expect("a version"), params);
            let mut theirs = vec![0; argon2.params().tag_len_bytes()];
            elsewhere(&password, &salt, &argon2, &mut theirs).expect("hashes");
            let ours = with_hasher(argon2, |hasher| hasher.hash(password.as_bytes(), &salt)).expect("hashes");
            prop_assert_eq!(ours, theirs);
        }
    }
}

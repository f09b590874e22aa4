//! Hashes that are not argon2's: bcrypt, scrypt and PBKDF2, as PHC strings and as passlib and Django write them.

use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::pbkdf2;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};

/// With padding or without: PHC strings have none, Django's have it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The dearest that are compared: about a second of one processor each, and 64 MiB.
const MOST_BCRYPT: u32 = 14;
const MOST_ROUNDS: u32 = 2_000_000;
const MOST_SCRYPT: u64 = 64 * 1024 * 1024;

/// See the module.
pub(super) enum Foreign {
    Bcrypt(String),
    Scrypt { params: scrypt::Params, salt: Vec<u8>, hash: Vec<u8> },
    Pbkdf2 { algorithm: pbkdf2::Algorithm, rounds: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
}

impl Foreign {
    /// `None` if it is of none of these kinds.
    pub(super) fn read(stored: &str) -> Option<Result<Self, String>> {
        let parts: Vec<&str> = stored.trim_start_matches('$').split('$').collect();
        let read = match (*parts.first()?, &parts[1..]) {
            ("2a" | "2b" | "2x" | "2y", [cost, _]) => bcrypt(stored, cost),
            ("scrypt", [params, salt, hash]) => scrypt(params, salt, hash),
            ("pbkdf2-sha256", [params, salt, hash]) => {
                pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, params, decode(salt), hash)
            }
            ("pbkdf2-sha512", [params, salt, hash]) => {
                pbkdf2(pbkdf2::PBKDF2_HMAC_SHA512, params, decode(salt), hash)
            }
            // passlib's SHA-1, and Django, whose salt is text.
            ("pbkdf2", [params, salt, hash]) => pbkdf2(pbkdf2::PBKDF2_HMAC_SHA1, params, decode(salt), hash),
            ("pbkdf2_sha256", [rounds, salt, hash]) => {
                pbkdf2(pbkdf2::PBKDF2_HMAC_SHA256, rounds, Some(salt.as_bytes().to_vec()), hash)
            }
            _ => return None,
        };
        Some(read.ok_or_else(|| "it is damaged, or more work than a login may take".to_owned()))
    }

    pub(super) fn matches(&self, password: &str) -> Result<bool, String> {
        match self {
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).map_err(|error| error.to_string()),
            Self::Scrypt { params, salt, hash } => {
                let mut output = vec![0; hash.len()];
                scrypt::scrypt(password.as_bytes(), salt, params, &mut output)
                    .map_err(|error| error.to_string())?;
                Ok(verify_slices_are_equal(&output, hash).is_ok())
            }
            Self::Pbkdf2 { algorithm, rounds, salt, hash } => {
                Ok(pbkdf2::verify(*algorithm, *rounds, salt, password.as_bytes(), hash).is_ok())
            }
        }
    }
}

fn bcrypt(stored: &str, cost: &str) -> Option<Foreign> {
    let cheap = cost.parse::<u32>().is_ok_and(|cost| cost <= MOST_BCRYPT);
    // Whether it is whole: 22 characters of salt and 31 of hash.
    (cheap && stored.len() == 60 && stored.is_ascii()).then(|| Foreign::Bcrypt(stored.to_owned()))
}

fn scrypt(params: &str, salt: &str, hash: &str) -> Option<Foreign> {
    let number = |name| parameter(params, name);
    let (log_n, r, p) = (number("ln")?, number("r")?, number("p")?);
    let memory = 128u64.checked_mul(u64::from(r))?.checked_mul(1u64.checked_shl(log_n)?)?;
    if memory.checked_mul(u64::from(p))? > MOST_SCRYPT {
        return None;
    }
    let params = scrypt::Params::new(u8::try_from(log_n).ok()?, r, p).ok()?;
    Some(Foreign::Scrypt { params, salt: decode(salt)?, hash: decode(hash).filter(|hash| hash.len() >= 16)? })
}

fn pbkdf2(algorithm: pbkdf2::Algorithm, params: &str, salt: Option<Vec<u8>>, hash: &str) -> Option<Foreign> {
    let rounds = params.parse().ok().or_else(|| parameter(params, "i"))?;
    let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= MOST_ROUNDS)?;
    let hash = decode(hash).filter(|hash| (16..=64).contains(&hash.len()))?;
    Some(Foreign::Pbkdf2 { algorithm, rounds, salt: salt?, hash })
}

/// One of `ln=16,r=8,p=1`.
fn parameter(params: &str, name: &str) -> Option<u32> {
    let value = |part: &str| part.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
    params.split(',').find_map(value)
}

/// passlib writes a dot for a plus.
fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace('.', "+")).ok()
}

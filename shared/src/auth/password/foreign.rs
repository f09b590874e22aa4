//! Hashes that are not argon2's: bcrypt, scrypt and PBKDF2, as PHC strings and as passlib and Django write them.

use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
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
/// scrypt goes through its memory once for each lane, one after the other: Django has five, of 16 MiB.
const MOST_SCRYPT_IN_ALL: u64 = 4 * MOST_SCRYPT;

/// What bcrypt reads of its key.
const READ_BY_BCRYPT: usize = 72;

/// See the module.
pub(super) enum Foreign {
    Bcrypt { of: Key, hash: String },
    Scrypt { params: scrypt::Params, salt: Vec<u8>, hash: Vec<u8> },
    Pbkdf2 { algorithm: pbkdf2::Algorithm, rounds: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
}

/// What bcrypt is given, which reads so much and no more: the password, or what is as long for every password.
pub(super) enum Key {
    Password,
    /// Django's.
    Sha256,
    /// passlib's, under the salt.
    HmacSha256(String),
}

impl Foreign {
    /// `None` if it is of none of these kinds.
    pub(super) fn read(stored: &str) -> Option<Result<Self, String>> {
        let parts: Vec<&str> = stored.trim_start_matches('$').split('$').collect();
        let read = match (*parts.first()?, &parts[1..]) {
            ("2a" | "2b" | "2x" | "2y", [cost, _]) => bcrypt(Key::Password, stored.to_owned(), cost),
            ("bcrypt", ["", kind, cost, rest]) => {
                bcrypt(Key::Password, format!("${kind}${cost}${rest}"), cost)
            }
            ("bcrypt_sha256", ["", kind, cost, rest]) => {
                bcrypt(Key::Sha256, format!("${kind}${cost}${rest}"), cost)
            }
            ("bcrypt-sha256", [params, salt, hash]) => bcrypt_under_salt(params, salt, hash),
            ("scrypt", [params, salt, hash]) => {
                let number = |name| parameter(params, name);
                scrypt(number("ln"), number("r"), number("p"), decode(salt), hash)
            }
            ("scrypt", [n, salt, r, p, hash]) => {
                scrypt(logarithm(n), r.parse().ok(), p.parse().ok(), Some(salt.as_bytes().to_vec()), hash)
            }
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
            ("pbkdf2_sha1", [rounds, salt, hash]) => {
                pbkdf2(pbkdf2::PBKDF2_HMAC_SHA1, rounds, Some(salt.as_bytes().to_vec()), hash)
            }
            _ => return None,
        };
        Some(read.ok_or_else(|| "it is damaged, or more work than a login may take".to_owned()))
    }

    pub(super) fn matches(&self, password: &str) -> Result<bool, String> {
        match self {
            Self::Bcrypt { of, hash } => {
                bcrypt::verify(of.of(password), hash).map_err(|error| error.to_string())
            }
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

    /// Whether no other password that people type has the hash that this one has. bcrypt reads the beginning of a long
    /// one; and it reads a short one again and again, and HMAC fills it up with NULs, so that one that holds a NUL may
    /// be another to them.
    pub(super) fn tells_apart(&self, password: &str) -> bool {
        match self {
            Self::Bcrypt { of, .. } => {
                let key = of.of(password);
                key.len() < READ_BY_BCRYPT && !key.contains(&0)
            }
            Self::Scrypt { .. } | Self::Pbkdf2 { .. } => !password.contains('\0'),
        }
    }
}

impl Key {
    fn of(&self, password: &str) -> Vec<u8> {
        match self {
            Self::Password => password.as_bytes().to_vec(),
            Self::Sha256 => {
                let digest = digest::digest(&digest::SHA256, password.as_bytes());
                digest.as_ref().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
            }
            Self::HmacSha256(salt) => {
                let tag =
                    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes()), password.as_bytes());
                BASE64_STANDARD.encode(tag).into_bytes()
            }
        }
    }
}

fn bcrypt(of: Key, hash: String, cost: &str) -> Option<Foreign> {
    let cheap = cost.parse::<u32>().is_ok_and(|cost| cost <= MOST_BCRYPT);
    // Whether it is whole: 22 characters of salt and 31 of hash.
    (cheap && hash.len() == 60 && hash.is_ascii()).then_some(Foreign::Bcrypt { of, hash })
}

/// passlib's second version. Its first digested the password without the salt.
fn bcrypt_under_salt(params: &str, salt: &str, hash: &str) -> Option<Foreign> {
    let rest = params.strip_prefix("v=2,t=2b,r=")?;
    let cost = format!("{:02}", rest.parse::<u32>().ok()?);
    bcrypt(Key::HmacSha256(salt.to_owned()), format!("$2b${cost}${salt}{hash}"), &cost)
}

fn scrypt(
    log_n: Option<u32>,
    r: Option<u32>,
    p: Option<u32>,
    salt: Option<Vec<u8>>,
    hash: &str,
) -> Option<Foreign> {
    let (log_n, r, p) = (log_n?, r?, p?);
    let memory = 128u64.checked_mul(u64::from(r))?.checked_mul(1u64.checked_shl(log_n)?)?;
    if memory > MOST_SCRYPT || memory.checked_mul(u64::from(p))? > MOST_SCRYPT_IN_ALL {
        return None;
    }
    let params = scrypt::Params::new(u8::try_from(log_n).ok()?, r, p).ok()?;
    let hash = decode(hash).filter(|hash| (16..=64).contains(&hash.len()))?;
    Some(Foreign::Scrypt { params, salt: salt?, hash })
}

/// To the base of two, of what has a whole one.
fn logarithm(number: &str) -> Option<u32> {
    number.parse::<u64>().ok().filter(|number| number.is_power_of_two()).map(u64::ilog2)
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

//! The provider's ids and words that are stored, shown and sent back: whatever an answer holds, these have a bound and
//! nothing in them that Postgres could not store or an address could not hold.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::Secret;

/// Stripe allows 255 characters for an id.
const LONGEST: usize = 255;

/// Whether this can be an id of the provider's.
pub(super) fn is_id(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_part)
}

/// What is left of a word, such as a code, without control characters and cut to its bound; perhaps nothing.
pub(super) fn word(text: &str) -> Option<String> {
    let word: String = text.chars().filter(|character| !character.is_control()).take(LONGEST).collect();
    (!word.is_empty()).then_some(word)
}

/// What an answer may have beside what it says: null, or something of another type, hides nothing of the rest.
pub(super) fn if_any<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    Ok(T::deserialize(Value::deserialize(deserializer)?).ok())
}

/// The same of a text.
pub(super) fn text_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    if_any(deserializer)
}

/// The same of a [`word`].
pub(super) fn word_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text_if_any(deserializer)?.as_deref().and_then(word))
}

/// The same of an id: what cannot be one is none.
pub(super) fn id_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text_if_any(deserializer)?.filter(|text| is_id(text)))
}

/// Of which object something is said to be: by its id, or whole. As it was written, for a comparison with one of ours.
pub(super) fn named_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let named = Value::deserialize(deserializer)?;
    let id = if named.is_object() { &named["id"] } else { &named };
    Ok(id.as_str().map(str::to_owned))
}

/// An id, without which an answer says nothing.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_id(&text) { Ok(text) } else { Err(de::Error::custom("is not an id of the provider's")) }
}

/// A client secret, if there is one that can be one.
pub(super) fn secret_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = text_if_any(deserializer)?;
    Ok(text.filter(|text| is_id(text)).map(|text| Secret::new(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_bound_and_nothing_that_means_something_elsewhere() {
        for good in ["pi_1", "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZluoGH", &"x".repeat(255)]
        {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "pi_1/cancel", "pi_1?a=b", "..", "pi 1", "pi_\0", "pi_é", &"x".repeat(256)] {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_word_is_kept_as_far_as_it_can_be_stored() {
        assert_eq!(word("insufficient_funds").as_deref(), Some("insufficient_funds"));
        assert_eq!(word("a\0b\nc").as_deref(), Some("abc"));
        assert_eq!(word(&"é".repeat(1000)).map(|word| word.chars().count()), Some(LONGEST));
        assert_eq!((word(""), word("\0")), (None, None));
    }
}

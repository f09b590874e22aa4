//! Webhooks: who sent this event, and what is it about?
//!
//! [Stripe's scheme][scheme]: the header `Stripe-Signature: t=…,v1=…[,v1=…]` carries an HMAC-SHA256 of `t.body`, keyed
//! with the endpoint's signing secret. It is checked on the raw bytes, before anything is parsed, and in constant time.
//! An event tells only that something happened: they come late, twice and out of order, so look at the intent.
//!
//! [scheme]: https://docs.stripe.com/webhooks/signature

use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Secret, wire_text};

/// How far the signature's time may be from ours, either way. It bounds how long a recorded delivery can be replayed.
const TOLERANCE: Duration = Duration::from_mins(5);

/// The largest body that is looked at: an event with its object expanded has some 100 kB. All of it is hashed before
/// anything is believed, and anybody may send one.
pub const LARGEST_BODY: usize = 512 * 1024;

/// So many signatures are compared: one for each signing secret, of which there are two while one is being rotated.
const MOST_SIGNATURES: usize = 8;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "stripe-signature";

/// An event that the provider did send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`: the same for every delivery of this event.
    pub id: String,
    /// `payment_intent.succeeded`, `charge.refunded`, …
    pub kind: String,
    /// The intent it is about; `None` for an event about something else, or one that names a charge alone.
    pub intent_id: Option<String>,
    /// The charge it is about, where it is about one.
    pub charge_id: Option<String>,
    /// The order that the intent was made for, where the event shows the intent itself.
    pub order_id: Option<Uuid>,
    /// Where the object stands that it is about: an intent, a refund, a dispute.
    pub status: Option<String>,
    /// When it happened, on a whole second.
    pub created: Option<OffsetDateTime>,
}

/// Why a delivery is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// No header, one that is not of the scheme or has too many signatures, or too large a body.
    #[error("the Stripe-Signature header is missing or malformed, or the body is over {LARGEST_BODY} bytes")]
    Unsigned,
    /// Signed at another time than now: a replay, or a wrong clock.
    #[error("the signature's time is more than 300 s from ours")]
    OutOfTolerance,
    /// None of the signatures was made with one of our secrets.
    #[error("no signature matches; compare PAYMENTS_WEBHOOK_SECRET with the endpoint's signing secret")]
    WrongSignature,
}

/// Checks a delivery and reads its event; `None` if the provider did send it, and it is none of those that we read, as
/// the "thin" ones of its second API. `secrets` are more than one while a secret is being rotated.
pub fn verify(
    secrets: &[Secret],
    header: &str,
    body: &[u8],
    now: OffsetDateTime,
) -> Result<Option<Event>, Forged> {
    let signed = Signed::parse(header).filter(|_| body.len() <= LARGEST_BODY).ok_or(Forged::Unsigned)?;
    // First, because it costs nothing: the body is hashed only for who knows the time.
    let time = signed.time.parse::<i64>().map_err(|_| Forged::Unsigned)?;
    if now.unix_timestamp().abs_diff(time) > TOLERANCE.as_secs() {
        return Err(Forged::OutOfTolerance);
    }
    if !secrets.iter().any(|secret| signed.is_by(secret, body)) {
        return Err(Forged::WrongSignature);
    }
    Ok(Event::parse(body))
}

/// Makes the header of a delivery: for the provider's doubles and for tests.
#[must_use]
pub fn sign(secret: &Secret, body: &[u8], now: OffsetDateTime) -> String {
    let time = now.unix_timestamp();
    let tag = tag(secret, &time.to_string(), body);
    tag.as_ref().iter().fold(format!("t={time},v1="), |header, byte| format!("{header}{byte:02x}"))
}

fn tag(secret: &Secret, time: &str, body: &[u8]) -> hmac::Tag {
    let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes()));
    for part in [time.as_bytes(), b".", body] {
        signing.update(part);
    }
    signing.sign()
}

/// The header's parts. The time stays text: it is signed as it was written.
struct Signed<'a> {
    time: &'a str,
    signatures: Vec<[u8; 32]>,
}

impl<'a> Signed<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let mut time = None;
        let mut signatures = Vec::new();
        for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
            match name {
                "t" if time.is_none() => time = Some(value),
                // Two times: which one was signed is the sender's choice, and must not be.
                "t" => return None,
                "v1" => signatures.extend(unhex(value)),
                // v0 is made by test tools; later schemes are not ours to judge.
                _ => {}
            }
        }
        let time = time.filter(|_| (1..=MOST_SIGNATURES).contains(&signatures.len()))?;
        Some(Self { time, signatures })
    }

    /// The body is hashed once for each secret, however many signatures there are.
    fn is_by(&self, secret: &Secret, body: &[u8]) -> bool {
        let tag = tag(secret, self.time, body);
        self.signatures.iter().any(|one| constant_time::verify_slices_are_equal(tag.as_ref(), one).is_ok())
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u32> {
    char::from(character).to_digit(16)
}

/// A time that the database can hold as well.
fn moment(seconds: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(u32::try_from(seconds).ok()?.into()).ok()
}

impl Event {
    fn parse(body: &[u8]) -> Option<Self> {
        let event: Value = serde_json::from_slice(body).ok()?;
        let text = |value: &Value| value.as_str().and_then(wire_text::word);
        let id = |value: &Value| value.as_str().filter(|id| wire_text::is_id(id)).map(str::to_owned);
        let named = |value: &Value| id(value).or_else(|| id(&value["id"]));
        let object = &event["data"]["object"];
        // An intent, or a charge, refund, dispute or warning that names one, be it whole.
        let intent = if object["object"] == "payment_intent" { object } else { &object["payment_intent"] };
        let charge = if object["object"] == "charge" { object } else { &object["charge"] };
        Some(Self {
            id: text(&event["id"])?,
            kind: text(&event["type"])?,
            intent_id: named(intent),
            charge_id: named(charge),
            order_id: intent["metadata"]["order_id"].as_str().and_then(|id| id.parse().ok()),
            status: text(&object["status"]),
            created: event["created"].as_i64().and_then(moment),
        })
    }
}

#[cfg(test)]
mod tests;

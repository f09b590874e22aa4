//! What a webhook must prove before it is believed.

use proptest::prelude::*;

use super::*;

const BODY: &[u8] = br#"{"id": "evt_1", "type": "payment_intent.succeeded", "created": 1795420000,
    "data": {"object": {"object": "payment_intent", "id": "pi_1"}}}"#;
const NOW: i64 = 1_795_420_010;

fn secret() -> Secret {
    Secret::new("whsec_millrace")
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).expect("a time")
}

fn header(secret: &Secret, time: i64, body: &[u8]) -> String {
    sign(secret, body, at(time))
}

/// The digits alone.
fn signature(secret: &Secret, time: i64, body: &[u8]) -> String {
    let header = header(secret, time, body);
    header[header.len() - 64..].to_owned()
}

fn check(header: &str, body: &[u8]) -> Result<Option<Event>, Forged> {
    verify(&[secret()], header, body, at(NOW))
}

fn event(header: &str, body: &[u8]) -> Event {
    check(header, body).expect("believed").expect("read")
}

#[test]
fn it_believes_an_event_signed_with_the_secret() {
    let event = event(&header(&secret(), NOW, BODY), BODY);
    assert_eq!(event.id, "evt_1");
    assert_eq!(event.kind, "payment_intent.succeeded");
    assert_eq!(event.intent_id.as_deref(), Some("pi_1"));
}

/// The signature comes from Python's `hmac` over the same text, not from the code under test.
#[test]
fn it_agrees_with_another_implementation() {
    let object = r#"{"object":"charge","id":"ch_1","payment_intent":"pi_9"}"#;
    let body =
        format!(r#"{{"id":"evt_9","type":"charge.refunded","created":1,"data":{{"object":{object}}}}}"#);
    let header = "t=1795420010,v1=1222dd605f5505bb8ba64563b5ceeac059e29b363e107a6971afef576bec2c6b";
    let event = event(header, body.as_bytes());
    assert_eq!(event.intent_id.as_deref(), Some("pi_9"));
}

#[test]
fn it_believes_any_of_several_signatures_and_any_of_our_secrets() {
    let [old, new] = [Secret::new("whsec_old"), Secret::new("whsec_new")];
    let both = format!("t={NOW},v1={},v0=ignored,v1={}", "00".repeat(32), signature(&new, NOW, BODY));
    assert!(verify(&[old.clone(), new], &both, BODY, at(NOW)).is_ok());
    assert_eq!(verify(&[old], &both, BODY, at(NOW)), Err(Forged::WrongSignature));
    assert_eq!(verify(&[], &both, BODY, at(NOW)), Err(Forged::WrongSignature));
}

#[test]
fn it_refuses_a_delivery_from_another_time() {
    for (age, believed) in [(0, true), (300, true), (301, false), (-300, true), (-301, false)] {
        let result = check(&header(&secret(), NOW - age, BODY), BODY);
        assert_eq!(result.is_ok(), believed, "{age} s old");
        assert!(believed || result == Err(Forged::OutOfTolerance), "{result:?}");
    }
}

#[test]
fn it_refuses_the_scheme_of_test_tools() {
    let header = format!("t={NOW},v0={}", signature(&secret(), NOW, BODY));
    assert_eq!(check(&header, BODY), Err(Forged::Unsigned));
}

#[test]
fn it_refuses_a_header_with_two_times() {
    let header = format!("t={NOW},{}", header(&secret(), NOW, BODY));
    assert_eq!(check(&header, BODY), Err(Forged::Unsigned));
}

#[test]
fn it_compares_a_handful_of_signatures_and_no_more() {
    let right = signature(&secret(), NOW, BODY);
    let among =
        |others: usize| format!("t={NOW}{},v1={right}", format!(",v1={}", "00".repeat(32)).repeat(others));
    assert!(check(&among(MOST_SIGNATURES - 1), BODY).is_ok());
    assert_eq!(check(&among(MOST_SIGNATURES), BODY), Err(Forged::Unsigned));
}

#[test]
fn it_looks_at_no_body_that_is_too_large() {
    let body = |length: usize| format!("{}{}", "{}", " ".repeat(length - 2)).into_bytes();
    let check = |body: Vec<u8>| check(&header(&secret(), NOW, &body), &body);
    assert_eq!(check(body(LARGEST_BODY)), Ok(None));
    assert_eq!(check(body(LARGEST_BODY + 1)), Err(Forged::Unsigned));
}

#[test]
fn it_does_not_parse_what_is_not_signed() {
    let broken = b"{";
    assert_eq!(check(&header(&Secret::new("whsec_other"), NOW, broken), broken), Err(Forged::WrongSignature));
    assert_eq!(check(&header(&secret(), NOW, broken), broken), Ok(None));
}

#[test]
fn it_believes_whatever_is_signed_and_reads_what_it_can() {
    let read =
        |body: &str| check(&header(&secret(), NOW, body.as_bytes()), body.as_bytes()).expect("believed");
    for (body, intent, status) in [
        (
            r#"{"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found",
            "created": "2026-11-28T05:53:17Z", "related_object": null}"#,
            None,
            None,
        ),
        (
            r#"{"id": "evt_1", "type": "invoice.upcoming", "data": {"object": {"object": "invoice", "id": null}}}"#,
            None,
            None,
        ),
        (
            r#"{"id": "evt_1", "type": "payout.paid", "data": {"object": {"status": "paid"}}}"#,
            None,
            Some("paid"),
        ),
        (
            r#"{"id": "evt_1", "type": "charge.dispute.created", "data": {"object": {"object": "dispute", "id": "dp_1",
            "payment_intent": "pi_1", "status": "needs_response"}}}"#,
            Some("pi_1"),
            Some("needs_response"),
        ),
        (
            r#"{"id": "evt_1", "type": "refund.failed", "data": {"object": {"payment_intent": {"id": "pi_1"}}}}"#,
            Some("pi_1"),
            None,
        ),
    ] {
        let event = read(body).expect(body);
        assert_eq!((event.intent_id.as_deref(), event.status.as_deref()), (intent, status), "{body}");
    }
    for (object, charge) in [
        (r#"{"object": "dispute", "id": "dp_1", "payment_intent": null, "charge": "ch_1"}"#, Some("ch_1")),
        (
            r#"{"object": "radar.early_fraud_warning", "charge": {"id": "ch_1", "object": "charge"}}"#,
            Some("ch_1"),
        ),
        (r#"{"object": "charge", "id": "ch_1", "payment_intent": null}"#, Some("ch_1")),
        (r#"{"object": "refund", "id": "re_1", "charge": "a charge/"}"#, None),
        (r#"{"object": "payout", "id": "po_1"}"#, None),
    ] {
        let body =
            format!(r#"{{"id": "evt_1", "type": "charge.dispute.created", "data": {{"object": {object}}}}}"#);
        let event = read(&body).expect(object);
        assert_eq!((event.intent_id.as_deref(), event.charge_id.as_deref()), (None, charge), "{object}");
    }
    for (created, moment) in [
        ("1795421730", Some(1_795_421_730)),
        ("-1", None),
        ("99999999999999", None),
        ("\"2026-11-28T05:53:17Z\"", None),
        ("1e300", None),
        ("null", None),
    ] {
        let event = read(&format!(r#"{{"id": "evt_1", "type": "payout.paid", "created": {created}}}"#));
        let read = event.expect("is read").created.map(OffsetDateTime::unix_timestamp);
        assert_eq!(read, moment, "{created}");
    }
    for body in ["", "[]", "7", r#"{"type": "payment_intent.succeeded"}"#, r#"{"id": 7, "type": []}"#] {
        assert_eq!(read(body), None, "{body}");
    }
}

proptest! {
    #[test]
    fn it_survives_any_header_and_any_body(header in ".*", body in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(check(&header, &body).is_err());
    }

    #[test]
    fn it_survives_headers_that_are_nearly_right(time in "-?[0-9]{0,20}", hex in "[0-9a-zA-Z]{60,66}") {
        let header = format!("t={time},v1={hex}");
        prop_assert!(check(&header, BODY).is_err());
    }

    #[test]
    fn it_notices_any_changed_byte_of_the_body(at in 0..BODY.len(), flip in 1_u8..) {
        let mut changed = BODY.to_vec();
        changed[at] ^= flip;
        prop_assert_eq!(check(&header(&secret(), NOW, BODY), &changed), Err(Forged::WrongSignature));
    }

    #[test]
    fn it_notices_any_changed_digit_of_the_signature(at in 0..64_usize, digit in 1..16_u32) {
        let mut digits: Vec<char> = signature(&secret(), NOW, BODY).chars().collect();
        let changed = (digits[at].to_digit(16).expect("a digit") + digit) % 16;
        digits[at] = char::from_digit(changed, 16).expect("a digit");
        let header = format!("t={NOW},v1={}", digits.iter().collect::<String>());
        prop_assert_eq!(check(&header, BODY), Err(Forged::WrongSignature));
    }

    #[test]
    fn it_notices_a_changed_time(other in NOW - 300..=NOW + 300) {
        prop_assume!(other != NOW);
        let header = format!("t={other},v1={}", signature(&secret(), NOW, BODY));
        prop_assert_eq!(check(&header, BODY), Err(Forged::WrongSignature));
    }
}

#[test]
fn what_could_not_be_stored_is_not_taken_from_an_event() {
    let told = |intent: &str, status: &str| {
        let body = format!(
            r#"{{"id":"evt_1","type":"charge.dispute.created","data":{{"object":
            {{"object":"dispute","status":"{status}","payment_intent":"{intent}"}}}}}}"#
        );
        let event = event(&header(&secret(), NOW, body.as_bytes()), body.as_bytes());
        (event.intent_id, event.status)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(told("pi_1", "won"), (some("pi_1"), some("won")));
    assert_eq!(told(r"pi_\u0000", r"wo\u0000n"), (None, some("won")));
    assert_eq!(told(&"p".repeat(10_000), &"w".repeat(10_000)), (None, some(&"w".repeat(255))));
}

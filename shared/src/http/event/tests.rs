//! This reading of events beside `lambda_http`'s.

use std::path::{Path, PathBuf};
use std::process::Command;

use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::*;

fn event(more: &[(&str, Value)]) -> Event {
    read(&written(more)).expect("an event")
}

fn written(more: &[(&str, Value)]) -> String {
    let mut event = json!({
        "requestContext": { "http": { "method": "GET", "sourceIp": "192.0.2.1" }, "requestId": "a=", "timeEpoch": 1 }
    });
    for (name, value) in more {
        event[name] = value.clone();
    }
    event.to_string()
}

/// From bytes, as the runtime does.
fn read(text: &str) -> Result<Event, serde_json::Error> {
    serde_json::from_slice(text.as_bytes())
}

/// Compares both readings of a text, if `lambda_http` takes it for an event of an HTTP API; whether it does.
fn alike(text: &str, from: &str) -> bool {
    let Ok(theirs) = lambda_http::request::from_str(text) else { return false };
    let ours = read(text).unwrap_or_else(|error| panic!("{error}: {from}"));
    // The gateway tells cookies in a member of their own; nothing here reads them.
    for name in theirs.headers().keys().filter(|name| *name != "cookie") {
        let values: Vec<_> = theirs.headers().get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
        for name in [name.to_string(), name.as_str().to_uppercase()] {
            assert_eq!(ours.header(&name).map(str::as_bytes), Some(&*values.join(&b',')), "{name} in {from}");
        }
    }
    for (name, _) in theirs.query_string_parameters_ref().into_iter().flat_map(|all| all.iter()) {
        let first = theirs.query_string_parameters_ref().and_then(|all| all.first(name));
        assert_eq!(ours.query_parameter(name).as_deref(), first, "{name} in {from}");
    }
    for (name, value) in theirs.path_parameters_ref().into_iter().flat_map(|all| all.iter()) {
        assert_eq!(ours.path_parameter(name), Some(value), "{name} in {from}");
    }
    let Some(RequestContext::ApiGatewayV2(context)) = theirs.request_context_ref() else {
        panic!("{from} is not an event of an HTTP API");
    };
    assert_eq!(ours.source_ip(), context.http.source_ip.as_deref(), "{from}");
    assert_eq!(ours.request_id(), context.request_id.as_deref().filter(|id| !id.is_empty()), "{from}");
    assert_eq!(ours.body(), &**theirs.body(), "{from}");
    true
}

/// How many of a folder's files both read, and read alike.
fn alike_in(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = files.map(|file| file.expect("a file").path());
    let samples = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let compared = samples.filter(|path| {
        let text = std::fs::read_to_string(path).expect("text");
        alike(&text, &path.display().to_string())
    });
    compared.count()
}

/// Where cargo keeps the packages of these names that this workspace is built with.
fn packages<const N: usize>(names: [&str; N]) -> [PathBuf; N] {
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--format-version", "1", "--locked"]);
    let told = metadata.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo metadata");
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON of cargo metadata");
    let packages = told["packages"].as_array().expect("packages");
    names.map(|name| {
        let found = packages.iter().find(|package| package["name"] == name).expect("the package");
        Path::new(found["manifest_path"].as_str().expect("a path")).parent().expect("a folder").to_owned()
    })
}

#[test]
fn our_own_sample_events_are_read_as_lambda_http_reads_them() {
    let compared = alike_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../events"));
    assert!(compared > 50, "only {compared} samples");
}

#[test]
fn published_sample_events_are_read_as_lambda_http_reads_them() {
    let [lambda_http, aws_lambda_events] = packages(["lambda_http", "aws_lambda_events"]);
    for (folder, least) in [
        (lambda_http.join("tests/data"), 5),
        // The samples that `cargo lambda invoke --data-example` sends, too.
        (aws_lambda_events.join("src/fixtures"), 8),
        // What SAM's tools make: tests/policy/test_sam_events.py.
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/events"), 2),
    ] {
        let compared = alike_in(&folder);
        assert!(compared >= least, "only {compared} samples in {}", folder.display());
    }
}

/// Few letters, so that the same name comes in several spellings.
fn header_name() -> impl Strategy<Value = String> {
    select(
        &["Accept", "accept", "ACCEPT", "Content-Type", "content-type", "If-Match", "x", "X", "", "a b"][..],
    )
    .prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => "[ -~]{0,12}".prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
    ]
}

/// A member's names and values, in their order, and with some of them twice.
fn members(names: impl Strategy<Value = String>) -> impl Strategy<Value = Option<String>> {
    let member = (names, text()).prop_map(|(name, value)| format!("{}:{value}", Value::from(name)));
    let object = vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")));
    prop_oneof![
        1 => Just(None),
        1 => Just(Some("null".to_owned())),
        6 => object.prop_map(Some),
    ]
}

fn body() -> impl Strategy<Value = (Value, bool)> {
    prop_oneof![
        Just((Value::Null, false)),
        any::<String>().prop_map(|text| (text.into(), false)),
        vec(any::<u8>(), 0..20).prop_map(|bytes| (BASE64_STANDARD.encode(bytes).into(), true)),
    ]
}

prop_compose! {
    /// The text of an event.
    fn any_event()(
        headers in members(header_name()),
        path in members("[a-cA-C]{1}".boxed()),
        query in option::of("[a-b=&+,%0-9é]{0,14}"),
        parameters in members("[a-b]{1}".boxed()),
        body in body(),
        cookies in option::of(vec("[a-z]=[a-z]", 0..3)),
        id in option::of("[a-z=]{0,3}"),
        source in option::of("[0-9.]{0,7}"),
    ) -> String {
        let mut event = Map::new();
        event.insert("body".into(), body.0);
        event.insert("isBase64Encoded".into(), body.1.into());
        event.insert("requestContext".into(), json!({
            "http": { "method": "PUT", "sourceIp": source }, "requestId": id, "timeEpoch": 1, "unknown": [{}]
        }));
        event.insert("unknown".into(), json!({ "headers": { "accept": "no" } }));
        if let Some(query) = query {
            event.insert("rawQueryString".into(), query.into());
        }
        if let Some(cookies) = cookies {
            event.insert("cookies".into(), cookies.into());
        }
        let mut text = Value::Object(event).to_string();
        for (name, object) in [
            ("headers", headers), ("pathParameters", path), ("queryStringParameters", parameters)
        ] {
            if let Some(object) = object {
                text.insert_str(1, &format!("\"{name}\":{object},"));
            }
        }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_that_are_made_up_are_read_as_lambda_http_reads_them(text in any_event()) {
        alike(&text, &text);
        // What lambda_http refuses, such as a header without a name, need not be refused here.
        prop_assert!(read(&text).is_ok());
    }
}

#[test]
fn a_header_is_found_however_its_name_is_written() {
    let headers =
        json!({ "Authorization": "Bearer a", "CONTENT-TYPE": "text/plain", "iDempotency-kEy": "k" });
    let event = event(&[("headers", headers)]);
    let found = ["authorization", "content-type", "idempotency-key"].map(|name| event.header(name));
    assert_eq!(found, [Some("Bearer a"), Some("text/plain"), Some("k")]);
}

#[test]
fn a_parameter_of_the_path_is_found_only_as_the_route_writes_it() {
    let event = event(&[("pathParameters", json!({ "ID": "1", "id": "2" }))]);
    assert_eq!((event.path_parameter("id"), event.path_parameter("Id")), (Some("2"), None));
}

#[test]
fn members_that_are_missing_or_null_are_empty() {
    let names =
        ["headers", "body", "pathParameters", "queryStringParameters", "rawQueryString", "isBase64Encoded"];
    let null = names.map(|name| (name, Value::Null));
    for event in [event(&[]), event(&null)] {
        assert_eq!((event.header("accept"), event.query_parameter("q")), (None, None));
        assert_eq!((event.path_parameter("id"), event.body()), (None, &b""[..]));
    }
}

#[test]
fn a_header_that_is_null_is_missing_and_a_list_of_values_is_joined_as_the_gateway_does() {
    let headers = json!({ "accept": null, "Accept-Language": ["de", "en"], "if-match": [] });
    let event = event(&[("headers", headers)]);
    assert_eq!(event.header("accept-language"), Some("de,en"));
    assert_eq!((event.header("accept"), event.header("if-match")), (None, None));
}

#[test]
fn a_query_is_decoded_as_browsers_encode_it_and_its_first_value_counts() {
    let event = event(&[("rawQueryString", json!("q=oak+%26+%C3%B6l&limit=5&limit=6&broken=%zz"))]);
    assert_eq!(event.query_parameter("q").as_deref(), Some("oak & öl"));
    assert_eq!(event.query_parameter("limit").as_deref(), Some("5"));
    assert_eq!(event.query_parameter("broken").as_deref(), Some("%zz"));
}

#[test]
fn an_event_that_was_written_without_its_query_has_the_gateways_reading_of_it() {
    let event = event(&[("queryStringParameters", json!({ "q": "oak & öl", "limit": "5,6" }))]);
    assert_eq!(event.query_parameter("q").as_deref(), Some("oak & öl"));
    assert_eq!(event.query_parameter("limit").as_deref(), Some("5"));
}

#[test]
fn a_body_may_be_bytes_that_are_no_text() {
    let event = event(&[("body", json!("/wA=")), ("isBase64Encoded", json!(true))]);
    assert_eq!(event.body(), [0xff, 0x00]);
}

#[test]
fn a_header_that_is_no_plain_text_is_not_missing() {
    let event = event(&[("headers", json!({ "if-match": "\"é\"", "idempotency-key": "clé" }))]);
    assert_eq!((event.header("if-match"), event.header("idempotency-key")), (Some("\"é\""), Some("clé")));
}

#[test]
fn a_name_is_found_among_many_and_counts_as_it_was_written_last() {
    let headers = r#"{ "a": "1", "": "", "b": "\"2\"", "ab": "3", "A": "4" }"#;
    let event = format!(r#"{{ "headers": {headers}, "requestContext": {{ "http": {{}} }} }}"#);
    let event = read(&event).expect("an event");
    let found = ["a", "", "b", "ab", "c"].map(|name| event.header(name));
    assert_eq!(found, [Some("4"), Some(""), Some("\"2\""), Some("3"), None]);
}

#[test]
fn what_is_no_event_of_a_gateway_is_refused() {
    let number = r#"{ "headers": { "a": 1 }, "requestContext": { "http": {} } }"#;
    let no_base64 = written(&[("body", json!("{}")), ("isBase64Encoded", json!(true))]);
    for text in ["{}", "[]", "7", number, &no_base64] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn an_event_of_another_payload_version_is_told_which_one_is_read() {
    let [aws_lambda_events] = packages(["aws_lambda_events"]);
    let fixtures = aws_lambda_events.join("src/fixtures");
    for (sample, version) in [("apigw-request", "1.0"), ("alb-lambda-target-request-headers-only", "1.0")] {
        let text = std::fs::read_to_string(fixtures.join(format!("example-{sample}.json"))).expect("text");
        let refusal = read(&text).expect_err("refused").to_string();
        assert!(refusal.contains("payload version 2.0") && refusal.contains(version), "{refusal}");
    }
}

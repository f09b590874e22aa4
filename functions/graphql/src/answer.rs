//! GraphQL's answers over HTTP, by the [specification](https://graphql.github.io/graphql-over-http/draft/) of that name.
//!
//! As `application/json` every answer to a GraphQL request is 200, as its clients have always expected. Who asks for
//! `application/graphql-response+json` gets statuses that mean something: 400 for what is not a request, 503 where
//! nothing could be asked, 200 for the rest, also where some fields failed.

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, PathSegment, ServerError, Value};
use mediatype::{MediaTypeList, ReadParams, names};
use serde::Serialize;
use shared::error::{Error, Result};
use shared::http::{self, Response, ResponseExt, header};

const GRAPHQL: &str = "application/graphql-response+json";

/// Lambda takes answers of 6 MB (6,291,556 bytes), status and headers included. What a query may cost is reckoned by
/// fields; how long texts are that it finds, nobody knows before.
const MOST_BYTES: usize = 6_000_000;

/// As what the answer goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    Json,
    GraphQl,
}

/// What was not executed has no `data`, not even null.
#[derive(Serialize)]
struct Refusal<'a> {
    errors: &'a [ServerError],
}

impl MediaType {
    /// What the caller likes best of what there is. The newer one only if it is named: `*/*` is what every client sends
    /// that never thought of it.
    pub(crate) fn accepted(header: Option<&str>) -> Self {
        let ranges: Vec<_> = MediaTypeList::new(header.unwrap_or_default()).flatten().collect();
        let quality = |named: &str| {
            let range = ranges.iter().find(|range| range.essence().to_string().eq_ignore_ascii_case(named));
            range.map(|range| {
                let weight = range.get_param(names::Q).and_then(|weight| weight.as_str().parse::<f32>().ok());
                weight.unwrap_or(1.0)
            })
        };
        let json = ["application/json", "application/*", "*/*"].into_iter().find_map(quality);
        match quality(GRAPHQL) {
            Some(graphql) if graphql > 0.0 && graphql >= json.unwrap_or(0.0) => Self::GraphQl,
            _ => Self::Json,
        }
    }

    /// For what GraphQL answered.
    pub(crate) fn response(self, mut answer: async_graphql::Response) -> Result<Response> {
        // Errors of fields say of which.
        let executed = answer.is_ok() || answer.errors.iter().any(|error| !error.path.is_empty());
        for error in &answer.errors {
            put_null(&mut answer.data, &error.path);
        }
        let answer = &answer;
        match failure(&answer.errors) {
            Some(failure) => Ok(self.in_spite_of(&failure, answer)?.hiding(failure)),
            None if executed => self.send(200, answer),
            None => self.refusal(&answer.errors),
        }
    }

    /// For what was not executed.
    pub(crate) fn refusal(self, errors: &[ServerError]) -> Result<Response> {
        self.send(if self == Self::GraphQl { 400 } else { 200 }, &Refusal { errors })
    }

    /// Where something failed on our side: what was found all the same, if anything was.
    fn in_spite_of(self, failure: &Error, answer: &async_graphql::Response) -> Result<Response> {
        if self == Self::Json || !is_empty(&answer.data) {
            return self.send(200, answer);
        }
        let problem = failure.problem();
        let mut response =
            self.send(problem.kind().status().as_u16(), &Refusal { errors: &answer.errors })?;
        http::add_headers(response.headers_mut(), problem);
        Ok(response)
    }

    fn send(self, status: u16, body: &impl Serialize) -> Result<Response> {
        let response = http::json(status, body)?;
        if travels_as(response.body()) > MOST_BYTES {
            let why = "The answer would be too large: ask for fewer rows, or for fewer long texts.";
            return self.refusal(&[ServerError::new(why, None)]);
        }
        match self {
            Self::Json => Ok(response),
            Self::GraphQl => response.with(header::CONTENT_TYPE, GRAPHQL),
        }
    }
}

/// How many bytes it takes as a text within JSON, which is how it goes to Lambda. JSON has no control characters.
fn travels_as(body: &str) -> usize {
    body.len() + body.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

/// A field that failed is null. async-graphql leaves it out instead, and the whole of `data` where it was the only one.
/// Of one that the query has twice, it leaves what the other selects, without what this was to select.
fn put_null(data: &mut Value, path: &[PathSegment]) {
    let Some((first, rest)) = path.split_first() else { return };
    if *data == Value::Null {
        *data = Value::Object(IndexMap::new());
    }
    match (data, first) {
        (Value::Object(fields), PathSegment::Field(name)) => {
            let field = fields.entry(Name::new(name)).or_insert(Value::Null);
            if rest.is_empty() {
                *field = Value::Null;
            } else if *field != Value::Null {
                put_null(field, rest);
            }
        }
        (Value::List(values), PathSegment::Index(at)) => {
            if let Some(value) = values.get_mut(*at) {
                put_null(value, rest);
            }
        }
        _ => {}
    }
}

/// Whether no field of the query got a value.
fn is_empty(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(|value| *value == Value::Null),
        _ => false,
    }
}

/// What failed on our side, if something did: a fault of ours before something that is away.
fn failure(errors: &[ServerError]) -> Option<Arc<Error>> {
    let sources = errors.iter().filter_map(|error| error.source.clone()?.downcast::<Error>().ok());
    let failures = sources.filter(|error| error.problem().kind().status().is_server_error());
    failures.min_by_key(|error| error.problem().kind().status())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_graphql::value;
    use shared::error::{internal, not_found, unavailable};

    use super::*;
    use crate::refusal::refuse;

    /// An error of the field `product`.
    fn of_field(error: Error) -> ServerError {
        let mut error = refuse(error).into_server_error(async_graphql::Pos::default());
        error.path = vec![PathSegment::Field("product".to_owned())];
        error
    }

    fn answered(media_type: MediaType, data: Value, errors: Vec<ServerError>) -> (u16, bool, String) {
        let mut answer = async_graphql::Response::new(data);
        answer.errors = errors;
        let response = media_type.response(answer).expect("a response");
        let has_data = response.body().contains("\"data\"");
        let wait =
            response.headers().get("retry-after").map(|wait| wait.to_str().unwrap_or_default().to_owned());
        (response.status().as_u16(), has_data, wait.unwrap_or_default())
    }

    #[test]
    fn an_answer_that_lambda_would_not_take_is_refused() {
        let answered = |text: String| {
            let response = MediaType::Json.response(async_graphql::Response::new(value!({ "name": text })));
            response.expect("a response").into_body()
        };
        let whole = serde_json::to_string(&answered("x".repeat(5_900_000))).expect("JSON");
        assert!(whole.len() > 5_900_000 && whole.len() < MOST_BYTES);
        for text in ["x".repeat(MOST_BYTES), "\"".repeat(MOST_BYTES / 4), "ж".repeat(MOST_BYTES / 2)] {
            assert!(answered(text).contains("too large"));
        }
        assert_eq!(travels_as(r#"{"a":"\\"}"#), r#"{\"a\":\"\\\\\"}"#.len());
    }

    #[test]
    fn the_newer_media_type_is_for_those_who_name_it_and_like_it_best() {
        for header in [
            "application/graphql-response+json",
            "Application/GraphQL-Response+JSON; charset=utf-8",
            "application/graphql-response+json, application/json;q=0.9",
            "application/json, application/graphql-response+json",
            "application/json;q=0.5, application/graphql-response+json;q=0.7, */*;q=0.8",
            "text/html;a=\"x,y\", application/graphql-response+json;q=0.1",
            "application/graphql-response+json, */*",
        ] {
            assert_eq!(MediaType::accepted(Some(header)), MediaType::GraphQl, "{header}");
        }
        for header in [
            "",
            "*/*",
            "application/*",
            "application/json",
            "text/html",
            "nonsense",
            "application/graphql-response+json;q=0",
            "application/graphql-response+json;q=0.5, application/json",
            "application/graphql-response+json;q=0.5, */*;q=0.9",
            "application/graphql-response+json;q=0.5, application/*",
            "text/html;a=\"application/graphql-response+json\"",
        ] {
            assert_eq!(MediaType::accepted(Some(header)), MediaType::Json, "{header}");
        }
        assert_eq!(MediaType::accepted(None), MediaType::Json);
    }

    #[test]
    fn what_was_not_executed_has_no_data_and_is_400_for_the_newer_type() {
        let errors = || vec![ServerError::new("expected a name", None)];
        assert_eq!(answered(MediaType::GraphQl, Value::Null, errors()), (400, false, String::new()));
        assert_eq!(answered(MediaType::Json, Value::Null, errors()), (200, false, String::new()));
    }

    #[test]
    fn where_nothing_could_be_asked_the_newer_type_says_503_and_when_to_come_back() {
        let errors = || vec![of_field(not_found("product")), of_field(unavailable(Duration::from_secs(2)))];
        for data in [Value::Null, value!({ "product": null, "other": null })] {
            assert_eq!(answered(MediaType::GraphQl, data.clone(), errors()), (503, false, "2".to_owned()));
            assert_eq!(answered(MediaType::Json, data, errors()), (200, true, String::new()));
        }
        let some = value!({ "product": null, "other": { "id": "1" } });
        assert_eq!(answered(MediaType::GraphQl, some, errors()), (200, true, String::new()));
        let faults = vec![of_field(unavailable(Duration::from_secs(2))), of_field(internal("a fault"))];
        assert_eq!(answered(MediaType::GraphQl, Value::Null, faults), (500, false, String::new()));
    }

    #[test]
    fn a_field_that_failed_is_null_beside_the_others() {
        let field = |name: &str| PathSegment::Field(name.to_owned());
        let items = [field("orders"), PathSegment::Index(1), field("items")];
        for (mut data, path, whole) in [
            (Value::Null, &[field("a")][..], value!({ "a": null })),
            (value!({ "b": 1 }), &[field("a")], value!({ "b": 1, "a": null })),
            (value!({ "a": null }), &[field("a"), field("b")], value!({ "a": null })),
            (value!({ "a": [{ "id": 1 }], "b": 1 }), &[field("a")], value!({ "a": null, "b": 1 })),
            (
                value!({ "orders": [{ "id": 1, "items": [] }, { "id": 2 }] }),
                &items,
                value!({ "orders": [{ "id": 1, "items": [] }, { "id": 2, "items": null }] }),
            ),
        ] {
            put_null(&mut data, path);
            assert_eq!(data, whole);
        }
    }

    #[test]
    fn a_field_that_was_not_found_is_an_answer() {
        for media_type in [MediaType::GraphQl, MediaType::Json] {
            let data = value!({ "product": null });
            let errors = vec![of_field(not_found("product"))];
            assert_eq!(answered(media_type, data, errors), (200, true, String::new()));
            assert_eq!(answered(media_type, value!({ "a": 1 }), vec![]), (200, true, String::new()));
        }
    }
}

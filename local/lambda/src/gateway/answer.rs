//! What a function returned, as a response.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::SET_COOKIE;
use serde::Deserialize;

/// A function's answer to an HTTP event, as far as it is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    status_code: u16,
    #[serde(default, borrow)]
    headers: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(default, borrow)]
    body: Option<Cow<'a, str>>,
    #[serde(default)]
    is_base64_encoded: bool,
    #[serde(default, borrow)]
    cookies: Vec<Cow<'a, str>>,
}

/// The response that a function's answer describes.
pub(super) fn response(answer: &[u8]) -> Result<Response<Full<Bytes>>> {
    let answer: Answer<'_> = serde_json::from_slice(answer).context("no answer to an HTTP event")?;
    let mut response = Response::builder().status(answer.status_code);
    for (name, value) in &answer.headers {
        response = response.header(&**name, &**value);
    }
    for cookie in &answer.cookies {
        response = response.header(SET_COOKIE, &**cookie);
    }
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded {
        BASE64_STANDARD.decode(&*body)?
    } else {
        body.into_owned().into_bytes()
    };
    Ok(response.body(Full::from(body))?)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn it_reads_status_headers_cookies_and_body() -> Result<()> {
        let text = r#"{"statusCode":201,"headers":{"etag":"\"1\""},"multiValueHeaders":{},"cookies":["a=1"],
            "body":"aGk=","isBase64Encoded":true}"#;
        let response = response(text.as_bytes())?;
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["etag"], "\"1\"");
        assert_eq!(response.headers()["set-cookie"], "a=1");
        assert_eq!(response.into_body().collect().await?.to_bytes(), "hi");
        Ok(())
    }

    #[test]
    fn it_refuses_what_is_no_answer_to_an_http_event() {
        assert!(response(b"null").is_err());
        assert!(response(br#"{"statusCode":99}"#).is_err());
    }
}

//! S3: one bucket, read in ranges and written whole.
//!
//! Requests that are signed in advance, instead of AWS's SDK for S3: three methods are needed, and the signer is there
//! for Postgres and Redis anyway.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

use super::presign::Signer;
use crate::error::{Error, Result, internal, unavailable};
use crate::outgoing::{self, whole};
use crate::tls;

/// Of one request, its body included.
const LIMIT: Duration = Duration::from_secs(10);
/// Between two pieces of a file a connection rests while a batch is written.
const REST: Duration = Duration::from_secs(90);
/// Tries of one request: S3 answers 500 and 503 now and then, and says that they are to be repeated.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);
/// When it is worth asking again after all of them.
const LATER: Duration = Duration::from_secs(2);

/// What S3 leaves as it is in a key, with the slash.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A bucket.
pub struct Bucket {
    client: Client,
    signer: Signer,
    url: Url,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// Changes with its content.
    pub etag: String,
    /// To the second.
    pub modified: OffsetDateTime,
}

/// Why an object was not read.
#[derive(Debug)]
pub enum Unread {
    /// Another one has taken its place, or none.
    Replaced,
    /// Anything else.
    Failed(Error),
}

impl Bucket {
    /// The bucket at this address, `https://NAME.s3.REGION.amazonaws.com`. Signs with the function's role; no network.
    ///
    /// # Errors
    /// For what is not an address, and where there are no keys to sign with.
    pub fn new(url: &str) -> Result<Self> {
        let tls = tls::client(tls::of_the_web()).map_err(internal)?;
        let client = outgoing::client(HeaderMap::new(), tls, REST).map_err(internal)?;
        let url = Url::parse(url).map_err(internal)?;
        Ok(Self { client, signer: Signer::of_function().map_err(internal)?, url })
    }

    /// Looks at an object; `None` if there is none of this name.
    pub async fn find(&self, key: &str) -> Result<Option<Object>> {
        let answer = self.send(Method::HEAD, key, |request| request).await?;
        // A refusal is an error. S3 says 404 to whoever may list the bucket, and tests/policy holds the role to that.
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = granted(answer)?;
        let text =
            |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Some(Object {
            key: key.to_owned(),
            size: text(header::CONTENT_LENGTH).parse().map_err(internal)?,
            etag: text(header::ETAG).to_owned(),
            modified: OffsetDateTime::parse(text(header::LAST_MODIFIED), &Rfc2822).map_err(internal)?,
        }))
    }

    /// Some bytes of an object: `length` of them, fewer at its end, and never none before it.
    pub async fn read(&self, object: &Object, from: u64, length: u64) -> Result<Bytes, Unread> {
        let range = format!("bytes={from}-{}", from + length - 1);
        let ask = |request: RequestBuilder| {
            request.header(header::RANGE, range.as_str()).header(header::IF_MATCH, object.etag.as_str())
        };
        let answer = self.send(Method::GET, &object.key, ask).await.map_err(Unread::Failed)?;
        if matches!(answer.status(), StatusCode::PRECONDITION_FAILED | StatusCode::NOT_FOUND) {
            return Err(Unread::Replaced);
        }
        let piece = granted(answer).map_err(Unread::Failed)?.into_body();
        // Whoever reads on from where a piece ends would ask for an empty one for ever.
        let expected = length.min(object.size.saturating_sub(from));
        if piece.len() as u64 == expected {
            Ok(piece)
        } else {
            let told = format!("{} bytes came of the {expected} that were asked for", piece.len());
            Err(Unread::Failed(internal(told)))
        }
    }

    /// Writes an object, in place of what is there.
    pub async fn write(&self, key: &str, media_type: &str, body: Vec<u8>) -> Result<()> {
        let body = Bytes::from(body);
        let put =
            |request: RequestBuilder| request.header(header::CONTENT_TYPE, media_type).body(body.clone());
        granted(self.send(Method::PUT, key, put).await?).map(drop)
    }

    /// Sends a request until it is answered by something else than "later", and to the end: a connection is lost in the
    /// middle of an answer as well. All three methods are harmless to repeat.
    ///
    /// # Errors
    /// Unavailable if no try was answered so: a later one may be.
    async fn send(
        &self,
        method: Method,
        key: &str,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response<Bytes>> {
        let mut tries = 1;
        loop {
            let url = self.signer.presign_object(method.as_str(), self.address(key), SystemTime::now()).await;
            let request = self.client.request(method.clone(), url.map_err(internal)?).timeout(LIMIT);
            match async { whole(with(request).send().await?).await }.await {
                Ok(answer) if !answer.status().is_server_error() => return Ok(answer),
                _ if tries < TRIES => tokio::time::sleep(PAUSE * tries).await,
                Ok(answer) => return Err(unavailable(LATER).caused_by(refusal(&answer))),
                // The address is as good as a key for a quarter of an hour.
                Err(error) => return Err(unavailable(LATER).caused_by(error.without_url())),
            }
            tries += 1;
        }
    }

    fn address(&self, key: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{}", utf8_percent_encode(key, KEPT)));
        url
    }
}

fn granted(answer: Response<Bytes>) -> Result<Response<Bytes>> {
    if answer.status().is_success() { Ok(answer) } else { Err(internal(refusal(&answer))) }
}

fn refusal(answer: &Response<Bytes>) -> String {
    format!("the bucket answers {}", answer.status())
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;

    use super::super::scripted;
    use super::*;
    use crate::error::Kind;

    fn bucket(url: &str) -> Bucket {
        let tls = tls::client(tls::of_the_web()).expect("a configuration");
        Bucket {
            client: outgoing::client(HeaderMap::new(), tls, REST).expect("a client"),
            signer: Signer::new("us-east-1", Credentials::new("id", "secret", None, None, "test")),
            url: Url::parse(url).expect("a URL"),
        }
    }

    /// A bucket that answers one request after the other with these texts.
    fn answering(texts: &[&'static str]) -> Bucket {
        bucket(&format!("{}/imports", scripted::answering(texts)))
    }

    const NOTHING: &str = "HTTP/1.1 206 Partial Content\r\ncontent-length: 0\r\n\r\n";
    const HALF: &str = "HTTP/1.1 206 Partial Content\r\ncontent-length: 6\r\n\r\nsku";
    const WHOLE: &str = "HTTP/1.1 206 Partial Content\r\ncontent-length: 6\r\n\r\nsku,na";
    const BUSY: &str = "HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\n\r\n";

    /// Reads the first six bytes, or says of which kind the failure is.
    async fn first_bytes(bucket: &Bucket) -> Result<Bytes, Kind> {
        let (etag, modified) = ("\"1\"".to_owned(), OffsetDateTime::UNIX_EPOCH);
        let object = Object { key: "products/a.csv".to_owned(), size: 100, etag, modified };
        bucket.read(&object, 0, 6).await.map_err(|unread| match unread {
            Unread::Failed(error) => error.problem().kind(),
            Unread::Replaced => panic!("replaced"),
        })
    }

    #[tokio::test]
    async fn a_refused_look_does_not_mean_that_nothing_is_there() {
        let missing = answering(&["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"]);
        assert_eq!(missing.find("products/a.csv").await.expect("an answer"), None);
        let refused = answering(&["HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"]);
        assert!(refused.find("products/a.csv").await.is_err());
    }

    #[tokio::test]
    async fn what_is_lost_on_its_way_is_asked_for_again() {
        let bucket = answering(&[HALF, BUSY, WHOLE]);
        assert_eq!(first_bytes(&bucket).await, Ok(Bytes::from_static(b"sku,na")));
    }

    #[tokio::test]
    async fn a_bucket_that_does_not_answer_is_away_and_no_mistake_of_ours() {
        for text in [HALF, BUSY] {
            assert_eq!(
                first_bytes(&answering(&[text; TRIES as usize])).await,
                Err(Kind::Unavailable),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn a_piece_without_the_bytes_that_were_asked_for_is_none() {
        assert_eq!(first_bytes(&answering(&[NOTHING])).await, Err(Kind::Internal));
    }

    #[test]
    fn a_key_of_any_characters_is_written_as_s3_signs_it() {
        let bucket = bucket("https://b.s3.us-east-1.amazonaws.com");
        let address = bucket.address("products/a b+(é).csv");
        assert_eq!(
            address.as_str(),
            "https://b.s3.us-east-1.amazonaws.com/products/a%20b%2B%28%C3%A9%29.csv"
        );
    }
}

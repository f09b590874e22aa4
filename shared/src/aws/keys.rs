//! The keys to sign with: as they stand in the environment, or from an endpoint that hands out newer ones.
//!
//! Ordinary Lambda puts keys into a function's variables that outlive the environment. A process that runs for longer
//! than any key is told an endpoint beside it: [the scheme of containers](
//! https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html). AWS's own client for it brings an
//! HTTP client of its own, which functions that only read do not have, for one small document in some hours.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
#[cfg(feature = "aws")]
use aws_credential_types::provider::error::CredentialsError;
#[cfg(feature = "aws")]
use aws_credential_types::provider::{ProvideCredentials, future};
use http::HeaderValue;
use rustls::ClientConfig;
use serde::Deserialize;
use time::OffsetDateTime;
use time::serde::rfc3339;
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::{Host, Url};

use crate::config;
use crate::outgoing::{NoDocument, document, is_private};
use crate::tls;

/// Why nothing was signed.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// What is signed with keys that end within this time may end before the server has looked at it.
const EARLY: Duration = Duration::from_mins(5);
/// The ceiling on one asking: somebody waits for a connection meanwhile.
const CEILING: Duration = Duration::from_secs(1);
const LARGEST_BODY: usize = 64 * 1024;

/// Whom AWS lets hand out keys without TLS, beside this machine itself: the agents of ECS and of EKS.
const AGENTS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

/// Where keys come from.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    Kept(Credentials),
    Asked(Arc<Endpoint>),
}

impl Keys {
    /// From the environment, with what Lambda puts there. No network yet.
    ///
    /// # Errors
    /// When neither keys nor an endpoint are there, or the endpoint is none that may be asked for keys.
    pub(super) fn of_function() -> Result<Self, config::Error> {
        Self::of(|name| config::required(name).ok())
    }

    /// From these variables, in the order of AWS's SDKs: keys, else an endpoint.
    fn of(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, config::Error> {
        let id = variable("AWS_ACCESS_KEY_ID");
        if id.is_none()
            && let Some(endpoint) = Endpoint::of(&variable)?
        {
            return Ok(Self::Asked(Arc::new(endpoint)));
        }
        let id = id.ok_or(config::Error::Missing("AWS_ACCESS_KEY_ID"))?;
        let secret = variable("AWS_SECRET_ACCESS_KEY");
        let secret = secret.ok_or(config::Error::Missing("AWS_SECRET_ACCESS_KEY"))?;
        Ok(Self::Kept(Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment")))
    }

    /// Those to sign with at this time.
    pub(super) async fn at(&self, now: SystemTime) -> Result<Credentials, Error> {
        match self {
            Self::Kept(keys) => Ok(keys.clone()),
            // Its future is large, and every statement's would hold it.
            Self::Asked(endpoint) => Box::pin(endpoint.keys_at(now)).await,
        }
    }
}

#[cfg(feature = "aws")]
impl ProvideCredentials for Keys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let keys = async { self.at(SystemTime::now()).await.map_err(CredentialsError::provider_error) };
        future::ProvideCredentials::new(keys)
    }
}

/// Hands out keys. Asked again shortly before the latest ones end, by one of those who wait for them.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: Url,
    authorization: Authorization,
    tls: Arc<ClientConfig>,
    latest: Mutex<Option<Credentials>>,
}

#[derive(Debug)]
enum Authorization {
    None,
    Token(HeaderValue),
    /// Read at each asking, because whoever writes it changes it.
    File(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    #[serde(default, with = "rfc3339::option")]
    expiration: Option<OffsetDateTime>,
}

impl Endpoint {
    fn of(variable: impl Fn(&'static str) -> Option<String>) -> Result<Option<Self>, config::Error> {
        const ADDRESS: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
        const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
        let Some(address) = variable(ADDRESS) else { return Ok(None) };
        let why = "an address that begins with https://, or of this machine";
        let malformed = || config::Error::Malformed(ADDRESS, why);
        let url = Url::parse(&address).ok().filter(is_trusted).ok_or_else(malformed)?;
        let authorization = match (variable(TOKEN_FILE), variable(TOKEN)) {
            (Some(path), _) => Authorization::File(path),
            (_, Some(token)) => Authorization::Token(
                header(&token).map_err(|_| config::Error::Malformed(TOKEN, "what a header can hold"))?,
            ),
            _ => Authorization::None,
        };
        let tls = Arc::new(tls::client(tls::of_the_web()).map_err(|_| malformed())?);
        Ok(Some(Self { url, authorization, tls, latest: Mutex::default() }))
    }

    async fn keys_at(&self, now: SystemTime) -> Result<Credentials, Error> {
        let mut latest = self.latest.lock().await;
        match latest.as_ref().filter(|keys| last_until(keys, now + EARLY)) {
            Some(keys) => Ok(keys.clone()),
            None => match self.ask().await {
                Ok(keys) => Ok(latest.insert(keys).clone()),
                // They are good for some minutes yet, and whoever hands them out may be back by then.
                Err(error) => latest.clone().filter(|keys| last_until(keys, now)).ok_or(error),
            },
        }
    }

    async fn ask(&self) -> Result<Credentials, Error> {
        let authorization = match &self.authorization {
            Authorization::None => None,
            Authorization::Token(token) => Some(token.clone()),
            Authorization::File(path) => Some(header(fs::read_to_string(path)?.trim())?),
        };
        let answer = timeout(CEILING, document(&self.tls, &self.url, authorization, LARGEST_BODY)).await;
        let answer = answer.map_err(|_elapsed| "no keys to sign with within 1 s")?;
        let cause = |why| match why {
            NoDocument::Away(cause) | NoDocument::Untrusted(cause) => cause,
            NoDocument::TooLarge => "it answered with too much".to_owned(),
        };
        let answer = answer.map_err(|why| format!("no keys to sign with: {}", cause(why)))?;
        // What serde says of a text can hold a piece of it.
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| "that is not a document of keys")?;
        let (id, secret) = (answer.access_key_id, answer.secret_access_key);
        Ok(Credentials::new(id, secret, answer.token, answer.expiration.map(SystemTime::from), "endpoint"))
    }
}

/// Keys without an end are those of now, and nobody says for how long.
fn last_until(keys: &Credentials, moment: SystemTime) -> bool {
    keys.expiry().is_some_and(|end| end > moment)
}

fn is_trusted(url: &Url) -> bool {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    is_private(url) || (url.scheme() == "http" && address.is_some_and(|address| AGENTS.contains(&address)))
}

fn header(token: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(token)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use time::format_description::well_known::Rfc3339;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each asking with the next of these: until when its keys are good, in seconds from `now`.
    async fn endpoint(now: SystemTime, ends: &'static [Option<i64>]) -> (Keys, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/keys", listener.local_addr().expect("bound"));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a caller");
                let mut stream = BufReader::new(stream);
                let (mut line, mut known) = (String::new(), false);
                while stream.read_line(&mut line).await.expect("read") > 2 {
                    known |= line.trim_end() == "authorization: open sesame";
                    line.clear();
                }
                let nth = count.fetch_add(1, Ordering::Relaxed);
                let answer = match ends.get(nth).copied().flatten().filter(|_| known) {
                    Some(seconds) => {
                        let end = OffsetDateTime::from(now) + time::Duration::seconds(seconds);
                        let end = end.format(&Rfc3339).expect("a time");
                        let body = format!(
                            r#"{{"AccessKeyId":"id {nth}","SecretAccessKey":"s","Token":"t","Expiration":"{end}"}}"#
                        );
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                    }
                    None => "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n".to_owned(),
                };
                stream.write_all(answer.as_bytes()).await.expect("written");
            }
        });
        let keys = of(&[
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &address),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "open sesame"),
        ]);
        (keys.expect("an endpoint"), asked)
    }

    fn of(variables: &[(&str, &str)]) -> Result<Keys, config::Error> {
        Keys::of(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    async fn id_after(keys: &Keys, now: SystemTime, seconds: u64) -> Result<String, Error> {
        let keys = keys.at(now + Duration::from_secs(seconds)).await?;
        Ok(keys.access_key_id().to_owned())
    }

    #[tokio::test]
    async fn keys_are_asked_again_shortly_before_they_end_and_not_earlier() {
        let now = SystemTime::now();
        let (keys, asked) = endpoint(now, &[Some(3_600), Some(7_200)]).await;
        for seconds in [0, 1, 3_000, 3_299] {
            assert_eq!(id_after(&keys, now, seconds).await.expect("keys"), "id 0", "after {seconds} s");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert_eq!(id_after(&keys, now, 3_300).await.expect("keys"), "id 1");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn while_nobody_hands_out_keys_the_latest_ones_are_used_to_their_end() {
        let now = SystemTime::now();
        let (keys, asked) = endpoint(now, &[Some(3_600), None, None, Some(9_000)]).await;
        assert_eq!(id_after(&keys, now, 0).await.expect("keys"), "id 0");
        assert_eq!(id_after(&keys, now, 3_599).await.expect("still good"), "id 0");
        let error = id_after(&keys, now, 3_600).await.expect_err("they have ended").to_string();
        assert!(error.starts_with("no keys to sign with: ") && error.contains("500"), "{error}");
        assert_eq!(id_after(&keys, now, 3_601).await.expect("it is back"), "id 3");
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    #[tokio::test]
    async fn those_who_wait_for_keys_together_ask_once() {
        let now = SystemTime::now();
        let (keys, asked) = endpoint(now, &[Some(3_600), Some(3_600)]).await;
        let both = futures::join!(id_after(&keys, now, 0), id_after(&keys, now, 0));
        assert_eq!((both.0.expect("keys"), both.1.expect("keys")), ("id 0".into(), "id 0".into()));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn keys_in_the_environment_come_before_an_endpoint() {
        let address = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
        let (id, secret) = (("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret"));
        assert!(matches!(of(&[address]), Ok(Keys::Asked(_))));
        assert!(matches!(of(&[address, id, secret]), Ok(Keys::Kept(_))));
        assert!(matches!(of(&[]), Err(config::Error::Missing("AWS_ACCESS_KEY_ID"))));
        assert!(matches!(of(&[id]), Err(config::Error::Missing("AWS_SECRET_ACCESS_KEY"))));
    }

    #[test]
    fn keys_are_asked_of_nobody_whom_others_could_stand_in_for() {
        for address in
            ["http://keys.example.com/", "http://169.254.169.254/", "http://10.0.0.1/", "file:///keys"]
        {
            let error = of(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)]).expect_err(address);
            assert!(matches!(error, config::Error::Malformed(..)), "{address}: {error}");
        }
    }
}

//! Log-in with IAM: a presigned request stands in for the password, signed here without any network call.

use std::env;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use url::Url;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long RDS accepts a token for a new connection. Open connections outlive it.
const VALID_FOR: Duration = Duration::from_mins(15);

/// Who signs, and for which region.
#[derive(Clone, Debug)]
pub struct Iam {
    region: String,
    credentials: SharedCredentialsProvider,
}

impl Iam {
    /// Signs with the function's own role, whose keys Lambda puts into the environment. They are read when a token is
    /// signed, and no network is asked, which is why `aws-config` with its chain of providers is not needed here.
    pub fn of_function(region: impl Into<String>) -> Self {
        Self::new(region, EnvironmentKeys)
    }

    /// Signs with `credentials`, of any provider.
    pub fn new(region: impl Into<String>, credentials: impl ProvideCredentials + 'static) -> Self {
        Self { region: region.into(), credentials: SharedCredentialsProvider::new(credentials) }
    }

    pub(super) async fn token(&self, host: &str, port: u16, user: &str) -> sqlx::Result<String> {
        self.token_at(SystemTime::now(), host, port, user).await.map_err(sqlx::Error::Configuration)
    }

    /// Signature version 4 over `GET https://host:port/?Action=connect&DBUser=user`, the scheme cut off.
    async fn token_at(&self, now: SystemTime, host: &str, port: u16, user: &str) -> Result<String, BoxError> {
        let identity = self.credentials.provide_credentials().await?.into();
        let mut settings = SigningSettings::default();
        settings.expires_in = Some(VALID_FOR);
        settings.signature_location = SignatureLocation::QueryParams;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("rds-db")
            .time(now)
            .settings(settings)
            .build()?
            .into();

        let mut url = Url::parse(&format!("https://{host}:{port}/"))?;
        url.query_pairs_mut().append_pair("Action", "connect").append_pair("DBUser", user);
        let request =
            SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[]))?;
        let (instructions, _signature) = sign(request, &params)?.into_parts();
        for (name, value) in instructions.params() {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(url.as_str().trim_start_matches("https://").to_owned())
    }
}

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`.
#[derive(Debug)]
struct EnvironmentKeys;

impl ProvideCredentials for EnvironmentKeys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(keys_of(|name| env::var(name).ok()))
    }
}

fn keys_of(variable: impl Fn(&'static str) -> Option<String>) -> Result<Credentials, CredentialsError> {
    let required = |name| {
        variable(name).ok_or_else(|| {
            CredentialsError::not_loaded(format!(
                "the environment variable {name} is not set; Lambda sets it"
            ))
        })
    };
    let (id, secret) = (required("AWS_ACCESS_KEY_ID")?, required("AWS_SECRET_ACCESS_KEY")?);
    Ok(Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_which_variable_is_missing_and_shows_no_key() {
        let set = |name| (name != "AWS_SECRET_ACCESS_KEY").then(|| "AKIDEXAMPLE".to_owned());
        let error = keys_of(set).expect_err("missing");
        let shown = format!("{error:?}");
        assert!(shown.contains("AWS_SECRET_ACCESS_KEY is not set") && !shown.contains("AKID"), "{shown}");
    }

    #[test]
    fn it_takes_the_session_token_along() {
        let keys = keys_of(|name| Some(name.to_lowercase())).expect("all there");
        assert_eq!(keys.access_key_id(), "aws_access_key_id");
        assert_eq!(keys.session_token(), Some("aws_session_token"));
    }

    #[tokio::test]
    async fn it_signs_a_connect_request_for_fifteen_minutes() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("session+/=".into()), None, "test");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let iam = Iam::new("eu-central-1", credentials);
        let token = iam.token_at(now, "proxy.test", 5432, "millrace_app").await.expect("signs");

        assert!(token.starts_with("proxy.test:5432/?Action=connect&DBUser=millrace_app&X-Amz-"), "{token}");
        let url = Url::parse(&format!("https://{token}")).expect("a URL");
        let value = |name| url.query_pairs().find(|(key, _)| key == name).expect(name).1.into_owned();
        assert_eq!(value("X-Amz-Expires"), "900");
        assert_eq!(value("X-Amz-Credential"), "AKIDEXAMPLE/20261118/eu-central-1/rds-db/aws4_request");
        assert_eq!(value("X-Amz-Security-Token"), "session+/=");
        assert_eq!(value("X-Amz-Signature").len(), 64);
    }
}

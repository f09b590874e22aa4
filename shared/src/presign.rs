//! A request to AWS, signed in advance: it stands in for a password where one signs in by IAM. No network is asked.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use url::Url;

use crate::config;

/// Why nothing was signed.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// How long a server accepts such a request for a new connection. Open connections outlive it.
const VALID_FOR: Duration = Duration::from_mins(15);

/// Who signs, and for which region.
#[derive(Clone, Debug)]
pub struct Signer {
    region: String,
    credentials: Credentials,
}

impl Signer {
    /// Signs with these keys.
    pub fn new(region: impl Into<String>, credentials: Credentials) -> Self {
        Self { region: region.into(), credentials }
    }

    /// Signs with the function's own role, whose keys Lambda puts into the environment.
    ///
    /// # Errors
    /// When one of them, or `AWS_REGION`, is not there.
    pub fn of_function() -> Result<Self, config::Error> {
        let region = config::required("AWS_REGION")?;
        let (id, secret) =
            (config::required("AWS_ACCESS_KEY_ID")?, config::required("AWS_SECRET_ACCESS_KEY")?);
        let session = config::required("AWS_SESSION_TOKEN").ok();
        Ok(Self::new(region, Credentials::new(id, secret, session, None, "environment")))
    }

    /// `GET url`, signed (signature version 4, in the query) for `service` and for 15 minutes from `now`.
    pub(crate) fn presign(&self, service: &str, mut url: Url, now: SystemTime) -> Result<Url, Error> {
        let identity = self.credentials.clone().into();
        let mut settings = SigningSettings::default();
        settings.expires_in = Some(VALID_FOR);
        settings.signature_location = SignatureLocation::QueryParams;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(now)
            .settings(settings)
            .build()?
            .into();
        let request =
            SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[]))?;
        let (instructions, _signature) = sign(request, &params)?.into_parts();
        for (name, value) in instructions.params() {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(url)
    }
}

//! A request to AWS, signed in advance: it stands in for a password where one signs in by IAM.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
#[cfg(feature = "aws")]
use aws_sigv4::http_request::{PercentEncodingMode, UriPathNormalizationMode};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use url::Url;

pub(crate) use super::keys::Error;
use super::keys::Keys;
use crate::config;

/// How long a server accepts such a request for a new connection. Open connections outlive it.
const VALID_FOR: Duration = Duration::from_mins(15);

/// Who signs, and for which region.
#[derive(Clone, Debug)]
pub struct Signer {
    region: String,
    keys: Keys,
}

impl Signer {
    /// Signs with these keys.
    pub fn new(region: impl Into<String>, credentials: Credentials) -> Self {
        Self { region: region.into(), keys: Keys::Kept(credentials) }
    }

    /// Signs with the function's own role: with the keys that Lambda puts into the environment, or with those of the
    /// endpoint that is named there instead. No network yet.
    ///
    /// # Errors
    /// When neither, or no `AWS_REGION`, is there, or the endpoint is none that may be asked for keys.
    pub fn of_function() -> Result<Self, config::Error> {
        let region = config::required("AWS_REGION")?;
        Ok(Self { region, keys: Keys::of_function()? })
    }

    /// `GET url`, signed (signature version 4, in the query) for `service` and for 15 minutes from `now`.
    pub(crate) async fn presign(&self, service: &str, url: Url, now: SystemTime) -> Result<Url, Error> {
        let request = ("GET", url, SignableBody::Bytes(&[]));
        self.sign(service, request, SigningSettings::default(), VALID_FOR, now).await
    }

    /// The same for an object in S3, whose signatures are over the path as it is sent and over no body.
    #[cfg(feature = "aws")]
    pub(crate) async fn presign_object(&self, method: &str, url: Url, now: SystemTime) -> Result<Url, Error> {
        self.sign_object(method, url, VALID_FOR, now).await
    }

    #[cfg(feature = "aws")]
    async fn sign_object(
        &self,
        method: &str,
        url: Url,
        valid_for: Duration,
        now: SystemTime,
    ) -> Result<Url, Error> {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        self.sign("s3", (method, url, SignableBody::UnsignedPayload), settings, valid_for, now).await
    }

    async fn sign(
        &self,
        service: &str,
        (method, mut url, body): (&str, Url, SignableBody<'_>),
        mut settings: SigningSettings,
        valid_for: Duration,
        now: SystemTime,
    ) -> Result<Url, Error> {
        let identity = self.keys.at(now).await?.into();
        settings.expires_in = Some(valid_for);
        settings.signature_location = SignatureLocation::QueryParams;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(now)
            .settings(settings)
            .build()?
            .into();
        let request = SignableRequest::new(method, url.as_str(), std::iter::empty(), body)?;
        let (instructions, _signature) = sign(request, &params)?.into_parts();
        for (name, value) in instructions.params() {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(url)
    }
}

#[cfg(all(test, feature = "aws"))]
mod tests {
    use super::*;

    /// The example of "Authenticating Requests: Using Query Parameters" in the reference of S3's API.
    #[tokio::test]
    async fn an_object_is_signed_as_the_reference_of_s3_has_it() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, None, None, "test");
        let signer = Signer::new("us-east-1", credentials);
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(380_376);
        let url = Url::parse("https://examplebucket.s3.amazonaws.com/test.txt").expect("a URL");
        let signed = signer.sign_object("GET", url, Duration::from_hours(24), now).await.expect("signs");
        let value = |name| signed.query_pairs().find(|(key, _)| key == name).expect(name).1.into_owned();
        assert_eq!(value("X-Amz-Credential"), "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request");
        assert_eq!(
            value("X-Amz-Signature"),
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }
}

//! Signing in to `ElastiCache` with IAM: a signed request stands in for the password.
//!
//! [The scheme](https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html): `GET http://cache/?Action=connect&
//! User=user&ResourceType=ServerlessCache`, signed for the service `elasticache` and 15 minutes, the scheme cut off.

use std::time::SystemTime;

use redis::{ErrorKind, RedisError, RedisResult};
use url::Url;

use crate::aws::presign::{Error, Signer};

/// Who signs in to which cache.
#[derive(Clone, Debug)]
pub struct Iam {
    signer: Signer,
    cache: String,
}

impl Iam {
    /// For the serverless cache of this name, which is not its address.
    #[must_use]
    pub fn new(signer: Signer, cache: &str) -> Self {
        // AWS keeps the names of caches in lower case.
        Self { signer, cache: cache.to_lowercase() }
    }

    /// What stands in for the password of `user` at this time.
    pub async fn token(&self, user: &str, now: SystemTime) -> Result<String, Error> {
        let mut url = Url::parse(&format!("http://{}/", self.cache))?;
        url.query_pairs_mut()
            .append_pair("Action", "connect")
            .append_pair("User", user)
            .append_pair("ResourceType", "ServerlessCache");
        let signed = self.signer.presign("elasticache", url, now).await?;
        Ok(signed.as_str().trim_start_matches("http://").to_owned())
    }

    pub(super) async fn token_now(&self, user: &str) -> RedisResult<String> {
        let failed = |error: Error| {
            RedisError::from((ErrorKind::AuthenticationFailed, "no token was signed", error.to_string()))
        };
        self.token(user, SystemTime::now()).await.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_credential_types::Credentials;

    use super::*;

    /// The signature is botocore 1.44.5's (`SigV4QueryAuth`) of the same request at the same time.
    #[tokio::test]
    async fn its_token_is_what_another_signer_makes() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("session+/=".into()), None, "test");
        let iam = Iam::new(Signer::new("eu-central-1", credentials), "Millrace");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_794_997_600);
        let token = iam.token("millrace-functions", now).await.expect("signs");

        assert!(
            token.starts_with("millrace/?Action=connect&User=millrace-functions&ResourceType="),
            "{token}"
        );
        let url = Url::parse(&format!("http://{token}")).expect("a URL");
        let value = |name| url.query_pairs().find(|(key, _)| key == name).expect(name).1.into_owned();
        assert_eq!(value("X-Amz-Date"), "20261118T102640Z");
        assert_eq!(value("X-Amz-Expires"), "900");
        assert_eq!(value("X-Amz-Credential"), "AKIDEXAMPLE/20261118/eu-central-1/elasticache/aws4_request");
        assert_eq!(
            value("X-Amz-Signature"),
            "91e879eda00a7becc32239498179de09cae10d2474cbfa1e782dcdc2f8a35c42"
        );
    }
}

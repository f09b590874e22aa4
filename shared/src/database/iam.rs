//! Signing in to RDS with IAM: a signed request stands in for the password.
//!
//! [The scheme](https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html):
//! `GET https://host:port/?Action=connect&DBUser=user`, signed for the service `rds-db` and 15 minutes, the scheme cut
//! off.

use std::time::SystemTime;

use url::Url;

use crate::aws::presign::{Error, Signer};

/// What stands in for the password of `user` at this time.
pub(super) async fn token(
    signer: &Signer,
    host: &str,
    port: u16,
    user: &str,
    now: SystemTime,
) -> Result<String, Error> {
    let mut url = Url::parse(&format!("https://{host}:{port}/"))?;
    url.query_pairs_mut().append_pair("Action", "connect").append_pair("DBUser", user);
    let signed = signer.presign("rds-db", url, now).await?;
    Ok(signed.as_str().trim_start_matches("https://").to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_credential_types::Credentials;

    use super::*;

    /// The signature is botocore 1.43.127's (`SigV4QueryAuth`) of the same request at the same time.
    #[tokio::test]
    async fn its_token_is_what_another_signer_makes() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("session+/=".into()), None, "test");
        let signer = Signer::new("eu-central-1", credentials);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let token = token(&signer, "proxy.test", 5432, "millrace_app", now).await.expect("signs");

        assert!(token.starts_with("proxy.test:5432/?Action=connect&DBUser=millrace_app&X-Amz-"), "{token}");
        let url = Url::parse(&format!("https://{token}")).expect("a URL");
        let value = |name| url.query_pairs().find(|(key, _)| key == name).expect(name).1.into_owned();
        assert_eq!(value("X-Amz-Expires"), "900");
        assert_eq!(value("X-Amz-Credential"), "AKIDEXAMPLE/20261118/eu-central-1/rds-db/aws4_request");
        assert_eq!(value("X-Amz-Security-Token"), "session+/=");
        assert_eq!(
            value("X-Amz-Signature"),
            "973aa9cac17feebfb4890a89cfa396f86e04640db3fb74e87b4118541fb58985"
        );
    }
}

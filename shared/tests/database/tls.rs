//! `sslmode=verify-full` speaks to the right server and to no other, or a token would go to whoever asks.

use std::fs;
use std::path::Path;

use aws_credential_types::Credentials;
use shared::aws::presign::Signer;
use shared::database::{Database, Error, Settings, Statement};
use tempfile::TempDir;

use crate::certificates::certificates;
use crate::servers::{Servers, until};

static ENCRYPTED: Statement =
    Statement::new("test.encrypted", "select ssl from pg_stat_ssl where pid = pg_backend_pid()");

fn database(host: &str, port: u16, mode: &str, authority: &Path) -> Database {
    let file = authority.display();
    let url = format!("postgres://owner@{host}:{port}/postgres?sslmode={mode}&sslrootcert={file}");
    Database::new(Settings::new(&url).expect("valid"))
}

async fn is_encrypted(database: &Database) -> Result<bool, Error> {
    database.fetch_one::<(bool,)>(&ENCRYPTED).await.map(|(encrypted,)| encrypted)
}

#[tokio::test]
async fn it_sends_nothing_to_a_server_that_it_cannot_verify() {
    let (ours, strangers) = (certificates(), certificates());
    let (_servers, port) = Servers::start_with_tls(&ours.server, &ours.server_key);

    let folder = TempDir::new().expect("a folder");
    let file = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        fs::write(&path, pem).expect("written");
        path
    };
    let (trusted, strange) =
        (file("trusted.pem", &ours.authority), file("strange.pem", &strangers.authority));

    let right = database("localhost", port, "verify-full", &trusted);
    until("it answers over TLS", async || is_encrypted(&right).await.is_ok()).await;
    assert!(is_encrypted(&right).await.expect("answers"));

    for (host, authority, why) in
        [("localhost", &strange, "another authority"), ("127.0.0.1", &trusted, "another name")]
    {
        let error = is_encrypted(&database(host, port, "verify-full", authority)).await.expect_err(why);
        assert!(error.is_unavailable() && error.to_string().contains("certificate"), "{why}: {error}");
    }
    // The mode that verifies less would have let the other name in.
    assert!(is_encrypted(&database("127.0.0.1", port, "verify-ca", &trusted)).await.is_ok());
}

#[test]
fn it_refuses_to_log_in_with_iam_where_the_server_is_not_verified() {
    for mode in ["", "?sslmode=require", "?sslmode=prefer"] {
        let settings = Settings::new(&format!("postgres://app@db.test/shop{mode}")).expect("valid");
        let keys = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let error = settings.iam(Signer::new("eu-west-1", keys)).expect_err("unverified");
        assert!(error.to_string().contains("sslmode=verify-full"), "{error}");
    }
}

//! Redis behind TLS and a password, with a certificate authority that the test makes.

use std::time::{Duration, SystemTime};

use crate::ask::{ECHO, ask, some};
use crate::certificates::certificates;
use crate::cluster::{Cluster, answers_a_batch_in_order, finds_moved_slots};
use crate::server::{Server, eventually, patient, showing};
use aws_credential_types::Credentials;
use shared::aws::presign::Signer;
use shared::redis::{Iam, Redis, Settings};
use tempfile::TempDir;

/// Where the operator comes in, in the folder of the server's own.
const SOCKET: &str = "redis.sock";

/// A Redis that speaks TLS only, and the PEM text of the authority that signed its certificate for `localhost`.
fn server() -> (Server, Vec<u8>, TempDir) {
    let certificates = certificates();
    let folder = TempDir::new().expect("a folder");
    let mut arguments = showing(&certificates, folder.path());
    let socket = folder.path().join(SOCKET);
    arguments.extend(["--unixsocket", socket.to_str().expect("UTF-8")].map(str::to_owned));
    arguments
        .extend(["--port", "0", "--tls-port", "{port}", "--requirepass", "open sesame"].map(str::to_owned));
    let server = Server::start_with(&arguments);
    (server, certificates.authority.into_bytes(), folder)
}

fn trusting(url: &str, ca: Option<&[u8]>) -> Redis {
    let settings = Settings { ca_certificate: ca.map(<[u8]>::to_vec), ..patient(url) };
    Redis::new(settings).expect("valid settings")
}

#[tokio::test]
async fn a_trusted_server_is_spoken_to_over_tls_with_a_password() {
    let (server, ca, _folder) = server();
    let url = format!("rediss://:open%20sesame@localhost:{}", server.port());
    eventually("Redis answers", async || trusting(&url, Some(&ca)).batch(ask(&ECHO, "a")).await == some("a"))
        .await;
    let wrong = url.replace("sesame", "barley");
    assert_eq!(trusting(&wrong, Some(&ca)).batch(ask(&ECHO, "a")).await, None);
}

#[tokio::test]
async fn a_stranger_gets_no_password() {
    let (server, ca, _folder) = server();
    let (_, other_ca, _other_folder) = self::server();
    let url = format!("rediss://:open%20sesame@localhost:{}", server.port());
    assert_eq!(trusting(&url, None).batch(ask(&ECHO, "a")).await, None, "unknown to the web's authorities");
    assert_eq!(trusting(&url, Some(&other_ca)).batch(ask(&ECHO, "a")).await, None);
    let by_address = url.replace("localhost", "127.0.0.1");
    assert_eq!(trusting(&by_address, Some(&ca)).batch(ask(&ECHO, "a")).await, None, "another name");
    let plain = url.replace("rediss", "redis");
    assert_eq!(trusting(&plain, None).batch(ask(&ECHO, "a")).await, None, "it speaks TLS only");
}

#[tokio::test]
async fn a_batch_across_slots_of_a_cluster_is_answered_in_order() {
    answers_a_batch_in_order(&Cluster::start_with_tls().await).await;
}

#[tokio::test]
async fn a_slot_that_has_moved_within_a_cluster_is_found_at_once() {
    finds_moved_slots(&Cluster::start_with_tls().await).await;
}

#[tokio::test]
async fn a_cluster_of_strangers_gets_nothing() {
    let cluster = Cluster::start_with_tls().await;
    let other_ca = Some(certificates().authority.into_bytes());
    for ca_certificate in [other_ca, None] {
        let redis = Redis::new(Settings { ca_certificate, ..cluster.settings() }).expect("valid settings");
        assert_eq!(redis.batch(ask(&ECHO, "a")).await, None);
    }
}

#[test]
fn a_file_without_a_certificate_is_refused() {
    let refused = |pem: &[u8]| {
        let settings = Settings { ca_certificate: Some(pem.to_vec()), ..Settings::new("rediss://localhost") };
        Redis::new(settings).err().expect("no certificate").to_string()
    };
    assert!(refused(b"").contains("BEGIN CERTIFICATE"));
    refused(b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
}

#[tokio::test]
async fn a_user_signs_in_with_a_token_of_iam() {
    let (server, ca, folder) = server();
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("session".into()), None, "test");
    let iam = Iam::new(Signer::new("eu-central-1", credentials), "millrace");
    let url = |user: &str| format!("rediss://{user}@localhost:{}", server.port());
    let redis = |user: &str| {
        let (ca_certificate, iam) = (Some(ca.clone()), Some(iam.clone()));
        Redis::new(Settings { ca_certificate, iam, ..patient(&url(user)) }).expect("valid settings")
    };
    // Redis knows no IAM: it is told the tokens of the next minutes, which differ from second to second, as passwords.
    let now = SystemTime::now();
    let mut user = ::redis::cmd("ACL");
    user.arg("SETUSER").arg("functions").arg("on").arg("~*").arg("+@all");
    for second in 0..180 {
        let token = iam.token("functions", now + Duration::from_secs(second)).await.expect("signs");
        user.arg(format!(">{token}"));
    }
    // The operator comes by another door, because the crate's client speaks no TLS here.
    let socket = folder.path().join(SOCKET);
    let operator = format!("redis+unix://{}?pass=open%20sesame", socket.to_str().expect("UTF-8"));
    let operator = ::redis::Client::open(operator).expect("a client");
    user.exec(&mut operator.get_connection().expect("Redis answers")).expect("a user");

    assert_eq!(redis("functions").batch(ask(&ECHO, "a")).await, some("a"));
    assert_eq!(redis("stranger").batch(ask(&ECHO, "a")).await, None);
}

#[test]
fn only_addresses_with_verified_tls_or_none_are_taken() {
    let taken = |url: &str| Redis::new(Settings::new(url)).map(|_| ()).map_err(|error| error.to_string());
    for url in ["redis://localhost", "rediss://a:b@localhost:1/", "valkey://localhost", "valkeys://localhost"]
    {
        assert_eq!(taken(url), Ok(()), "{url}");
    }
    for url in
        ["rediss://localhost/#insecure", "valkeys://localhost/#insecure", "unix:///redis.sock", "localhost"]
    {
        let refused = taken(url).expect_err(url);
        assert!(refused.contains("write redis://host:6379, or rediss://host:6379 for TLS"), "{refused}");
    }
}

#[test]
fn a_token_is_never_sent_in_the_clear_or_for_nobody() {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    for url in ["redis://functions@localhost:6379", "rediss://localhost:6379"] {
        let iam = Some(Iam::new(Signer::new("eu-central-1", credentials.clone()), "millrace"));
        let refused = Redis::new(Settings { iam, ..Settings::new(url) }).err().expect("refused");
        assert!(refused.to_string().contains("rediss://user@host"), "{refused}");
    }
}

//! `shared::auth::provider` against a provider on this machine: whose tokens are believed, and how often it is asked.

#[path = "../certificates/mod.rs"]
mod certificates;
mod provider;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use shared::auth::provider::{Provider, Settings};
use shared::auth::token::Role;
use shared::auth::{Error, User};
use tokio::net::TcpListener;

use certificates::certificates;
use provider::{Pair, SHOP, Server, at_once, now};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// A provider with an Ed25519 key, and what believes it.
fn provider() -> (Pair, Server, Provider) {
    let pair = Pair::new("one", Algorithm::EdDSA);
    let server = Server::start(&[&pair]);
    let believed = server.believed();
    (pair, server, believed)
}

fn is_invalid(outcome: &Result<User, Error>) -> bool {
    matches!(outcome, Err(Error::Invalid))
}

#[tokio::test]
async fn a_token_of_each_algorithm_tells_its_bearer_and_the_keys_are_asked_for_once() {
    let pairs = ALGORITHMS.map(|algorithm| Pair::new("the same name for all", algorithm));
    let server = Server::start(&[&pairs[0], &pairs[1], &pairs[2]]);
    let believed = server.believed();
    let mut ids = Vec::new();
    for pair in &pairs {
        for _ in 0..10 {
            let user = believed.verify(&pair.sign(&server.claims())).await.expect("verifies");
            assert_eq!(user.role, Role::Customer);
            let subject = user.subject.expect("of a provider");
            assert_eq!((subject.name.as_str(), &subject.issuer), ("ada", &server.address));
            ids.push(user.id);
        }
    }
    ids.dedup();
    assert_eq!((ids.len(), server.asked()), (1, 1));
}

#[tokio::test]
async fn a_signature_of_another_key_or_under_another_algorithm_is_none() {
    let pairs = ALGORITHMS.map(|algorithm| Pair::new("one", algorithm));
    let server = Server::start(&[&pairs[0], &pairs[1], &pairs[2]]);
    let believed = server.believed();
    for algorithm in ALGORITHMS {
        let forged = Pair::new("one", algorithm).sign(&server.claims());
        assert!(is_invalid(&believed.verify(&forged).await), "{algorithm:?}");
    }
    let token = pairs[0].sign(&server.claims());
    let (_, rest) = token.split_once('.').expect("a token");
    for algorithm in ["none", "None", "HS256", "ES256", "EdDSA", "PS256", "RS384", "RS512", ""] {
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": "one" }).to_string();
        let forged = format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header));
        assert!(is_invalid(&believed.verify(&forged).await), "{algorithm}");
        let (unsigned, _) = forged.rsplit_once('.').expect("a token");
        assert!(is_invalid(&believed.verify(&format!("{unsigned}.")).await), "{algorithm}");
    }
}

/// The oldest trick: the public key, which everybody has, taken for a secret.
#[tokio::test]
async fn a_public_key_is_no_secret_to_sign_with() {
    let pair = Pair::new("one", Algorithm::RS256);
    let server = Server::start(&[&pair]);
    let modulus = pair.public()["n"].as_str().expect("a modulus").to_owned();
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let secret = BASE64_URL_SAFE_NO_PAD.decode(&modulus).expect("decodes");
    for secret in [secret, modulus.into_bytes(), pair.public().to_string().into_bytes()] {
        let key = jsonwebtoken::EncodingKey::from_secret(&secret);
        let forged = jsonwebtoken::encode(&header, &server.claims(), &key).expect("signs");
        assert!(is_invalid(&server.believed().verify(&forged).await));
    }
}

#[tokio::test]
async fn claims_that_are_not_for_us_or_not_of_now_are_refused() {
    let (pair, server, believed) = provider();
    for (claims, good) in [
        (json!({}), true),
        (json!({ "aud": [SHOP, "https://other.example.com"] }), true),
        (json!({ "aud": "https://other.example.com" }), false),
        (json!({ "aud": ["https://other.example.com"] }), false),
        (json!({ "aud": [] }), false),
        (json!({ "aud": null }), false),
        (json!({ "iss": "https://id.example.com" }), false),
        (json!({ "iss": format!("{}/", server.address) }), false),
        (json!({ "iss": null }), false),
        (json!({ "sub": null }), false),
        (json!({ "sub": "" }), false),
        (json!({ "sub": "a\0da" }), false),
        (json!({ "sub": "a".repeat(255) }), true),
        (json!({ "sub": "a".repeat(256) }), false),
        (json!({ "sub": 7 }), false),
        (json!({ "exp": null }), false),
        (json!({ "exp": "tomorrow" }), false),
        // The provider's clock may be a minute behind or ahead.
        (json!({ "exp": now() - 30 }), true),
        (json!({ "nbf": now() + 30 }), true),
        (json!({ "nbf": now() + 90 }), false),
        (json!({ "iat": now() + 30 }), true),
        (json!({ "iat": now() + 90 }), false),
        (json!({ "iat": null }), true),
        (json!({ "iat": "today" }), false),
    ] {
        let outcome = believed.verify(&pair.sign(&server.claims_with(&claims))).await;
        assert_eq!(outcome.is_ok(), good, "{claims} {outcome:?}");
        assert!(good || is_invalid(&outcome), "{claims} {outcome:?}");
    }
    let late = pair.sign(&server.claims_with(&json!({ "exp": now() - 90 })));
    assert!(matches!(believed.verify(&late).await, Err(Error::Expired)));
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let (pair, server, believed) = provider();
    for (typ, claims, good) in [
        (Some("at+jwt"), json!({}), true),
        (Some("application/AT+JWT"), json!({}), true),
        (None, json!({}), true),
        (Some("logout+jwt"), json!({}), false),
        (Some("JWT"), json!({ "nonce": "n" }), false),
        (Some("JWT"), json!({ "at_hash": "h" }), false),
        (Some("at+jwt"), json!({ "nonce": "n" }), true),
        // Cognito
        (None, json!({ "token_use": "id" }), false),
        (None, json!({ "token_use": 1 }), false),
        (None, json!({ "token_use": "access", "aud": null, "client_id": SHOP }), true),
        (None, json!({ "token_use": "access", "aud": null, "client_id": "another" }), false),
        (None, json!({ "token_use": "access", "aud": "another", "client_id": SHOP }), false),
        (None, json!({ "aud": null, "client_id": SHOP }), false),
        // Keycloak
        (Some("JWT"), json!({ "typ": "Bearer", "nonce": "n" }), true),
        (Some("JWT"), json!({ "typ": "ID" }), false),
        (Some("JWT"), json!({ "typ": "Refresh" }), false),
    ] {
        let header = Header { typ: typ.map(str::to_owned), ..pair.header() };
        let outcome = believed.verify(&pair.sign_under(&header, &server.claims_with(&claims))).await;
        assert_eq!(outcome.is_ok(), good, "{typ:?} {claims} {outcome:?}");
    }
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..pair.header() };
    assert!(is_invalid(&believed.verify(&pair.sign_under(&critical, &server.claims())).await));
}

#[tokio::test]
async fn an_administrator_is_who_has_the_shops_name_for_it_in_the_claim_of_the_setting() {
    let (pair, server, _) = provider();
    let name = "administrator";
    for (claim, claims, administrator) in [
        ("roles", json!({ "roles": [name] }), true),
        ("roles", json!({ "roles": ["customer", name] }), true),
        ("roles", json!({ "roles": name }), true),
        ("roles", json!({ "roles": "administrators" }), false),
        ("roles", json!({ "roles": ["an administrator"] }), false),
        ("roles", json!({ "roles": { name: true } }), false),
        ("roles", json!({ "role": name }), false),
        ("roles", json!({}), false),
        ("cognito:groups", json!({ "cognito:groups": [name] }), true),
        ("realm_access.roles", json!({ "realm_access": { "roles": [name] } }), true),
        ("realm_access.roles", json!({ "realm_access": [name] }), false),
        (
            "resource_access.my.shop.roles",
            json!({ "resource_access": { "my.shop": { "roles": [name] } } }),
            true,
        ),
        ("https://shop.example.com/roles", json!({ "https://shop.example.com/roles": [name] }), true),
    ] {
        let settings = Settings { roles_claim: claim.to_owned(), ..server.settings() };
        let believed = Provider::new(settings).expect("good settings");
        let user = believed.verify(&pair.sign(&server.claims_with(&claims))).await.expect("verifies");
        assert_eq!(user.role == Role::Administrator, administrator, "{claim} {claims}");
    }
    let settings = Settings { administrator_role: "shop-admin".to_owned(), ..server.settings() };
    let believed = Provider::new(settings).expect("good settings");
    for (role, expected) in [("shop-admin", Role::Administrator), (name, Role::Customer)] {
        let token = pair.sign(&server.claims_with(&json!({ "roles": role })));
        assert_eq!(believed.verify(&token).await.expect("verifies").role, expected);
    }
}

#[tokio::test]
async fn a_key_of_after_we_asked_is_found_and_a_withdrawn_one_is_good_no_more() {
    let (old, new) = (Pair::new("old", Algorithm::EdDSA), Pair::new("new", Algorithm::ES256));
    let server = Server::start(&[&old]);
    let believed = Provider::new(at_once(server.settings())).expect("good settings");
    believed.verify(&old.sign(&server.claims())).await.expect("verifies");
    server.publishes(&[new.public()]);
    believed.verify(&new.sign(&server.claims())).await.expect("verifies");
    assert!(is_invalid(&believed.verify(&old.sign(&server.claims())).await));
}

/// What believes this server, and finds its keys old with each request.
fn believed_for_no_time(server: &Server) -> Provider {
    let settings = Settings { fresh_for: Duration::ZERO, ..at_once(server.settings()) };
    Provider::new(settings).expect("good settings")
}

/// After it an environment may be frozen, and what is under way then comes to nothing.
#[tokio::test]
async fn keys_that_grow_old_are_asked_for_before_the_request_ends_that_finds_them_so() {
    let (pair, server, _) = provider();
    let believed = believed_for_no_time(&server);
    for asked in 1..4 {
        believed.verify(&pair.sign(&server.claims())).await.expect("verifies");
        assert_eq!(server.asked(), asked);
    }
}

#[tokio::test]
async fn a_withdrawn_key_is_good_no_more_to_the_first_request_that_finds_the_keys_old() {
    let (old, server, _) = provider();
    let believed = believed_for_no_time(&server);
    believed.verify(&old.sign(&server.claims())).await.expect("verifies");
    server.publishes(&[Pair::new("new", Algorithm::EdDSA).public()]);
    assert!(is_invalid(&believed.verify(&old.sign(&server.claims())).await));
}

#[tokio::test]
async fn keys_that_grow_old_serve_on_while_newer_ones_are_not_to_be_had() {
    let (pair, server, _) = provider();
    let believed = believed_for_no_time(&server);
    for away in [false, true, true, false] {
        server.is_away(away);
        believed.verify(&pair.sign(&server.claims())).await.expect("verifies");
    }
    assert_eq!(server.asked(), 2, "as often as it answered");
}

#[tokio::test]
async fn strangers_cannot_make_us_ask_more_than_once_in_half_a_minute() {
    let (pair, server, believed) = provider();
    believed.verify(&pair.sign(&server.claims())).await.expect("verifies");
    for _ in 0..50 {
        let unknown = Pair::new("of my own", Algorithm::EdDSA).sign(&server.claims());
        assert!(is_invalid(&believed.verify(&unknown).await));
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_token_asks_for_nothing_that_another_set_of_keys_could_not_change() {
    let (pair, server, _) = provider();
    let believed = Provider::new(at_once(server.settings())).expect("good settings");
    believed.verify(&pair.sign(&server.claims())).await.expect("verifies");
    let other = Pair::new("one", Algorithm::ES256);
    let expired = server.claims_with(&json!({ "exp": 1 }));
    for refused in [other.sign(&server.claims()), pair.sign(&expired), "no.token.".to_owned()] {
        assert!(believed.verify(&refused).await.is_err());
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_token_without_a_name_of_its_key_is_good_where_a_single_key_fits() {
    let [rsa, first, second] = [
        Pair::new("rsa", Algorithm::RS256),
        Pair::new("first", Algorithm::EdDSA),
        Pair::new("second", Algorithm::EdDSA),
    ];
    let server = Server::start(&[&rsa, &first, &second]);
    let believed = server.believed();
    let nameless = |pair: &Pair| pair.sign_under(&Header::new(pair.algorithm), &server.claims());
    believed.verify(&nameless(&rsa)).await.expect("verifies");
    assert!(is_invalid(&believed.verify(&nameless(&first)).await));
}

#[tokio::test]
async fn while_the_provider_is_away_its_keys_serve_on() {
    let (pair, server, believed) = provider();
    believed.verify(&pair.sign(&server.claims())).await.expect("verifies");
    server.is_away(true);
    believed.verify(&pair.sign(&server.claims())).await.expect("verifies");
    // Who does not know the keys yet cannot say that a token is bad.
    let cold = server.believed();
    assert!(matches!(cold.verify(&pair.sign(&server.claims())).await, Err(Error::NoKeys)));
    // That was a moment ago, and the next asking is two seconds away.
    server.is_away(false);
    assert!(matches!(cold.verify(&pair.sign(&server.claims())).await, Err(Error::NoKeys)));
}

#[tokio::test]
async fn who_comes_after_a_provider_has_let_us_wait_does_not_wait_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept_open = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok(accepted) = listener.accept().await {
            kept_open.lock().expect("whole").push(accepted);
        }
    });
    let believed = Provider::new(Settings::new(&address, SHOP)).expect("good settings");
    let token = Pair::new("one", Algorithm::EdDSA).sign(&json!({ "sub": "ada" }));
    for _ in 0..3 {
        assert!(matches!(believed.verify(&token).await, Err(Error::NoKeys)));
    }
    assert_eq!(asked.lock().expect("whole").len(), 1);
}

#[tokio::test]
async fn keys_that_are_not_for_signatures_too_weak_or_of_something_else_are_passed_over() {
    let pair = Pair::new("one", Algorithm::RS256);
    let with = |name: &str, value: Value| {
        let mut key = pair.public();
        key[name] = value;
        key
    };
    let weak = BASE64_URL_SAFE_NO_PAD.encode([0xff; 128]);
    let padded = BASE64_URL_SAFE_NO_PAD.encode([vec![0; 200], vec![0xff; 128]].concat());
    for (key, good) in [
        (pair.public(), true),
        (with("use", json!("sig")), true),
        (with("use", json!("enc")), false),
        (with("key_ops", json!(["verify"])), true),
        (with("key_ops", json!(["encrypt"])), false),
        (with("alg", json!("RS512")), false),
        (with("alg", json!("HS256")), false),
        (with("alg", json!("of tomorrow")), false),
        (with("kty", json!("oct")), false),
        (with("n", json!(weak)), false),
        (with("n", json!(padded)), false),
        (json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "one" }), false),
        (json!({ "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "one" }), false),
        (json!("no key"), false),
    ] {
        let server = Server::start(&[]);
        server.publishes(&[json!({ "kty": "new" }), key.clone()]);
        let outcome = server.believed().verify(&pair.sign(&server.claims())).await;
        assert_eq!(outcome.is_ok(), good, "{key}");
        assert!(good || matches!(outcome, Err(Error::NoKeys)), "{key}");
    }
}

#[tokio::test]
async fn keys_come_from_the_issuer_alone() {
    let pair = Pair::new("one", Algorithm::EdDSA);
    let other = Server::start(&[&pair]);
    // It would answer there, but it might be anybody's address.
    let mean = |server: &Server| server.has_its_keys_at(&server.address.replace("127.0.0.1", "0.0.0.0"));
    let false_name = |server: &Server| server.says_it_is(&other.address);
    let cases: [&dyn Fn(&Server); 2] = [&mean, &false_name];
    for case in cases {
        let server = Server::start(&[&pair]);
        case(&server);
        let outcome = server.believed().verify(&pair.sign(&server.claims())).await;
        assert!(matches!(outcome, Err(Error::NoKeys)));
    }
}

/// The lines of a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("whole").write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What was said since it was last asked.
    fn told(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().expect("whole"))).expect("text")
    }
}

#[tokio::test]
async fn a_provider_is_believed_behind_an_authority_that_was_named_and_else_an_error_says_how_to_name_it() {
    let log = Log::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || lines.clone()).with_ansi(false).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let (own, strangers, pair) = (certificates(), certificates(), Pair::new("one", Algorithm::EdDSA));
    let server = Server::start_with(&own.server, &own.server_key, &[&pair]);
    let token = pair.sign(&server.claims());
    let trusting = |authorities: Option<&str>| {
        let authorities = authorities.map(|pem| pem.as_bytes().to_vec());
        Provider::new(Settings { authorities, ..server.settings() })
    };
    let both = format!("{}{}", strangers.authority, own.authority);
    for authorities in [&own.authority, &both] {
        trusting(Some(authorities)).expect("good settings").verify(&token).await.expect("verifies");
    }
    assert_eq!(log.told(), "");
    for authorities in [None, Some(strangers.authority.as_str())] {
        let outcome = trusting(authorities).expect("good settings").verify(&token).await;
        assert!(matches!(outcome, Err(Error::NoKeys)), "{outcome:?}");
        let told = log.told();
        assert!(told.contains("ERROR") && told.contains("TOKEN_ISSUER_CA_FILE"), "{told}");
    }
    for broken in ["", "no certificate", &own.server_key, &own.authority.replace('M', "!")] {
        assert!(trusting(Some(broken)).is_err(), "{broken}");
    }
    // Who is away comes back by himself.
    server.is_away(true);
    let outcome = trusting(Some(&own.authority)).expect("good settings").verify(&token).await;
    assert!(matches!(outcome, Err(Error::NoKeys)), "{outcome:?}");
    let told = log.told();
    assert!(told.contains("WARN") && !told.contains("ERROR"), "{told}");
}

#[test]
fn settings_with_which_anybody_could_be_believed_are_refused() {
    for (issuer, audience, good) in [
        ("https://id.example.com", "shop", true),
        ("https://id.example.com/", "shop, app", true),
        ("https://id.example.com/realms/shop", "shop", true),
        ("http://127.0.0.1:8080", "shop", true),
        ("http://localhost/", "shop", true),
        ("http://id.example.com", "shop", false),
        ("http://localhost.example.com", "shop", false),
        ("https://id.example.com?x", "shop", false),
        ("https://id.example.com#x", "shop", false),
        ("https://me@id.example.com", "shop", false),
        ("id.example.com", "shop", false),
        ("https://id.example.com", "", false),
        ("https://id.example.com", " , ", false),
    ] {
        assert_eq!(Provider::new(Settings::new(issuer, audience)).is_ok(), good, "{issuer} {audience}");
    }
    let usual = Settings::new("https://id.example.com", "shop");
    for (seconds, good) in [(0, true), (300, true), (301, false)] {
        let settings = Settings { clock_skew: Duration::from_secs(seconds), ..usual.clone() };
        assert_eq!(Provider::new(settings).is_ok(), good, "{seconds}");
    }
}

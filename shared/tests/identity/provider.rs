//! An identity provider on this machine, and what it signs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use shared::auth::provider::{Provider, Settings};

pub(crate) const SHOP: &str = "https://shop.example.com";

/// A key pair with a name.
pub(crate) struct Pair {
    pub(crate) name: &'static str,
    pub(crate) algorithm: Algorithm,
    key: EncodingKey,
}

impl Pair {
    pub(crate) fn new(name: &'static str, algorithm: Algorithm) -> Self {
        let key = match algorithm {
            Algorithm::RS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("generates");
                let document: Pkcs8V1Der<'_> = pair.as_der().expect("encodes");
                // PKCS#8 wraps a key of 2048 bits in 26 bytes; what is wanted is the key alone (PKCS#1).
                EncodingKey::from_rsa_der(&document.as_ref()[26..])
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("generates");
                EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("encodes").as_ref())
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().expect("generates");
                EncodingKey::from_ed_der(pair.to_pkcs8v1().expect("encodes").as_ref())
            }
            other => panic!("no key for {other:?}"),
        };
        Self { name, algorithm, key }
    }

    /// As it is published.
    pub(crate) fn public(&self) -> Value {
        let mut key = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).expect("a JWK"));
        let key = key.as_mut().expect("JSON");
        key["kid"] = json!(self.name);
        key.take()
    }

    pub(crate) fn header(&self) -> Header {
        Header { kid: Some(self.name.to_owned()), ..Header::new(self.algorithm) }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_under(&self.header(), claims)
    }

    pub(crate) fn sign_under(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).expect("signs")
    }
}

#[derive(Default)]
struct Told {
    keys: Value,
    issuer: Option<String>,
    jwks_uri: Option<String>,
    is_away: bool,
    asked: usize,
}

/// The server. What it publishes can be changed while it runs.
pub(crate) struct Server {
    pub(crate) address: String,
    told: Arc<Mutex<Told>>,
}

impl Server {
    pub(crate) fn start(pairs: &[&Pair]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        Self::serve(listener, address, pairs, |stream, answer| while answer(&mut &stream).is_some() {})
    }

    /// With this certificate for `localhost` and its key, both PEM.
    pub(crate) fn start_with(certificate: &str, key: &str, pairs: &[&Pair]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let config = tls(certificate, key);
        Self::serve(listener, address, pairs, move |stream, answer| {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("TLS");
            let mut stream = StreamOwned::new(connection, stream);
            while answer(&mut stream).is_some() {}
        })
    }

    fn serve(
        listener: TcpListener,
        address: String,
        pairs: &[&Pair],
        talk: impl Fn(TcpStream, &dyn Fn(&mut dyn Stream) -> Option<()>) + Clone + Send + 'static,
    ) -> Self {
        let told = Arc::new(Mutex::new(Told::default()));
        let server = Self { address: address.clone(), told: Arc::clone(&told) };
        server.publishes(&pairs.iter().map(|pair| pair.public()).collect::<Vec<_>>());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (address, told, talk) = (address.clone(), Arc::clone(&told), talk.clone());
                thread::spawn(move || talk(stream, &|stream| answer(stream, &address, &told)));
            }
        });
        server
    }

    pub(crate) fn publishes(&self, keys: &[Value]) {
        self.told.lock().expect("whole").keys = json!({ "keys": keys });
    }

    pub(crate) fn says_it_is(&self, issuer: &str) {
        self.told.lock().expect("whole").issuer = Some(issuer.to_owned());
    }

    pub(crate) fn has_its_keys_at(&self, address: &str) {
        self.told.lock().expect("whole").jwks_uri = Some(address.to_owned());
    }

    pub(crate) fn is_away(&self, away: bool) {
        self.told.lock().expect("whole").is_away = away;
    }

    /// How often it was asked for its keys.
    pub(crate) fn asked(&self) -> usize {
        self.told.lock().expect("whole").asked
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::new(&self.address, SHOP)
    }

    /// What a shop has that believes this server.
    pub(crate) fn believed(&self) -> Provider {
        Provider::new(self.settings()).expect("good settings")
    }

    /// What it would say of Ada now, for an hour.
    pub(crate) fn claims(&self) -> Value {
        json!({ "iss": self.address, "aud": SHOP, "sub": "ada", "iat": now(), "exp": now() + 3600 })
    }

    /// The same with something else in it; null takes a claim out.
    pub(crate) fn claims_with(&self, more: &Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in more.as_object().expect("an object") {
            match value {
                Value::Null => claims.as_object_mut().expect("an object").remove(name),
                value => claims.as_object_mut().expect("an object").insert(name.clone(), value.clone()),
            };
        }
        claims
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// As soon as a key was not known, whoever asked when.
pub(crate) fn at_once(settings: Settings) -> Settings {
    Settings { ask_again_after: Duration::ZERO, ..settings }
}

/// What can be read and written.
trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

fn tls(certificate: &str, key: &str) -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key);
    Arc::new(config.expect("a certificate"))
}

fn answer(stream: &mut dyn Stream, address: &str, told: &Mutex<Told>) -> Option<()> {
    let mut lines = BufReader::new(&mut *stream).lines();
    let first = lines.next()?.ok()?;
    while lines.next()?.ok().is_some_and(|line| !line.is_empty()) {}
    let body = {
        let mut told = told.lock().expect("whole");
        if told.is_away {
            return None;
        }
        if first.contains("/.well-known/openid-configuration") {
            let jwks_uri = told.jwks_uri.clone().unwrap_or_else(|| format!("{address}/keys"));
            json!({ "issuer": told.issuer.as_deref().unwrap_or(address), "jwks_uri": jwks_uri })
        } else {
            told.asked += 1;
            told.keys.clone()
        }
    };
    let body = body.to_string();
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).ok()
}

//! Why a server cannot be reached, in a sentence that says what to do. None repeats a URL, which may hold a password.

use std::fmt::Display;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

/// Longer than a packet takes round the world and back, and once more.
const LIMIT: Duration = Duration::from_secs(3);

/// A part of an error, and what helps.
pub(super) type Remedy = (&'static str, &'static str);

/// What both kinds of server answer to in the same way.
const REMEDIES: &[Remedy] = &[
    ("not valid for name", "write the host by a name that its certificate has"),
    ("password", "is the password right, and are its special characters written as %40 and so on?"),
];

/// Of an address that cannot be one, or not a safe one. A `#` or `?` of a password cuts it off in the middle.
pub(super) fn unusable(name: &str, error: &impl Display) -> String {
    format!("{name}: {error}; special characters of a password are written as %40 and so on")
}

/// Whether anything takes connections there. Asked first, because the clients' own errors do not say how far they came.
pub(super) async fn listens(url: &str, port: u16) -> Result<(), String> {
    // What is not a URL is refused by the client's own settings.
    let Some((host, port)) = address(url, port) else { return Ok(()) };
    match timeout(LIMIT, TcpStream::connect(format!("{host}:{port}"))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.to_string().contains("lookup") => {
            Err(format!("the name {host} cannot be resolved: {error}"))
        }
        Ok(Err(error)) => Err(format!("nothing takes connections at port {port} of {host}: {error}")),
        Err(_) => Err(format!(
            "no answer from port {port} of {host} within {LIMIT:?}: a wrong address, or a firewall between"
        )),
    }
}

fn address(url: &str, port: u16) -> Option<(String, u16)> {
    let url = Url::parse(url).ok()?;
    Some((url.host_str()?.to_owned(), url.port().unwrap_or(port)))
}

/// The error, and what helps: of the server's own `remedies`, or of those for all.
pub(super) fn explained(error: &str, remedies: &[Remedy]) -> String {
    match remedies.iter().chain(REMEDIES).find(|(part, _)| error.contains(part)) {
        Some((_, remedy)) => format!("{}: {remedy}", error.trim_end_matches('.')),
        None => error.to_owned(),
    }
}

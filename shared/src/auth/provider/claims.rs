//! What a provider's token says, beyond what every JWT does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Settings;
use crate::auth::Error;
use crate::auth::token::Role;

/// As OpenID Connect allows a name to be.
const LONGEST_SUBJECT: usize = 255;

/// Issuer, expiry and the like were compared when these were read.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    aud: Option<OneOrMore>,
    iat: Option<f64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn holds_one_of(&self, names: &[String]) -> bool {
        match self {
            Self::One(name) => names.contains(name),
            Self::More(given) => given.iter().any(|name| names.contains(name)),
        }
    }
}

/// Whether a token of this `typ` may be an access token: RFC 9068 says `at+jwt`, and most providers still say `JWT` or
/// nothing. Others are logout tokens, security events and whatever will come.
pub(super) fn is_type_of_access_token(typ: Option<&str>) -> bool {
    let is = |name: &str| typ.is_some_and(|typ| typ.eq_ignore_ascii_case(name));
    typ.is_none() || is("JWT") || is("at+jwt") || is("application/at+jwt")
}

impl Settings {
    /// Whether the token is an access token, for us, of somebody. Its header said it is of type `typ`.
    pub(super) fn accepts(&self, claims: &Claims, typ: Option<&str>) -> Result<(), Error> {
        let somebody = !claims.sub.is_empty()
            && claims.sub.chars().count() <= LONGEST_SUBJECT
            && !claims.sub.contains(char::is_control);
        let issued =
            claims.iat.is_none_or(|at| at <= seconds(SystemTime::now()) + self.clock_skew.as_secs_f64());
        if somebody && issued && claims.is_access_token(typ) && claims.is_for(&self.audiences) {
            Ok(())
        } else {
            Err(Error::Invalid)
        }
    }

    /// An administrator where the claim is, or holds, the name that the shop has for one.
    pub(super) fn role(&self, claims: &Claims) -> Role {
        let name = self.administrator_role.as_str();
        let says = |value: &Value| match value {
            Value::String(role) => role == name,
            Value::Array(roles) => roles.iter().any(|role| role == name),
            _ => false,
        };
        if any_at(&claims.others, &self.roles_claim, &says) { Role::Administrator } else { Role::Customer }
    }
}

impl Claims {
    /// An ID token is about the person who signed in, for the page that asked; who has it may show it around.
    fn is_access_token(&self, typ: Option<&str>) -> bool {
        let says = |name: &str| self.others.get(name).map(|value| value.as_str().unwrap_or_default());
        // Cognito's word for what a token is, and Keycloak's.
        let (token_use, kind) = (says("token_use"), says("typ"));
        if token_use.is_some_and(|of| of != "access")
            || kind.is_some_and(|of| !of.eq_ignore_ascii_case("Bearer"))
        {
            return false;
        }
        let says_so = typ.is_some_and(|typ| typ.to_ascii_lowercase().ends_with("at+jwt"));
        // These stand in ID tokens (OpenID Connect Core, sections 2 and 3.3.2.11). Older Keycloaks put a nonce into
        // access tokens too, and say what those are.
        let of_id_token = ["nonce", "at_hash", "c_hash"].iter().any(|name| self.others.contains_key(*name));
        says_so || token_use.is_some() || kind.is_some() || !of_id_token
    }

    /// Cognito's access tokens have the client instead of an audience, unless the client asked for one.
    fn is_for(&self, audiences: &[String]) -> bool {
        let text = |name: &str| self.others.get(name).and_then(Value::as_str);
        match &self.aud {
            Some(aud) => aud.holds_one_of(audiences),
            None => {
                let client = text("client_id").filter(|_| text("token_use") == Some("access"));
                client.is_some_and(|client| audiences.iter().any(|audience| audience == client))
            }
        }
    }
}

/// Whether `holds` is true of a value at this path. Dots reach into objects; but names hold dots themselves
/// (`https://shop.example.com/roles`, `resource_access.my.client.roles`), so that every way to read them is tried.
fn any_at(object: &Map<String, Value>, path: &str, holds: &impl Fn(&Value) -> bool) -> bool {
    let inside = |dot: usize| {
        let object = object.get(&path[..dot]).and_then(Value::as_object);
        object.is_some_and(|object| any_at(object, &path[dot + 1..], holds))
    };
    object.get(path).is_some_and(holds) || path.match_indices('.').any(|(dot, _)| inside(dot))
}

fn seconds(moment: SystemTime) -> f64 {
    moment.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

//! What template.yaml says about functions themselves: their limits, and the routes that lead to them.

use std::time::Duration;

use saphyr::Yaml;

use super::yaml::{at, binary, number, text_at};

/// A function that is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The binary, which is the folder under functions/.
    pub name: String,
    /// An invocation that takes longer is ended.
    pub time_limit: Duration,
    /// What it is given.
    pub memory_mb: u32,
    /// The HTTP API's routes that lead to it.
    pub routes: Vec<Route>,
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// In capitals.
    pub method: String,
    /// `/api/products/{id}`
    pub path: String,
}

/// Lambda's own values where the template has none.
const DEFAULT_SECONDS: u32 = 3;
const DEFAULT_MEMORY_MB: u32 = 128;

/// Reads a function's resource.
pub(super) fn function(document: &Yaml<'_>, resource: &Yaml<'_>) -> Option<Function> {
    let property = |name| {
        let own = number(document, at(resource, &["Properties", name]));
        own.or_else(|| number(document, at(document, &["Globals", "Function", name])))
    };
    let events = at(resource, &["Properties", "Events"]).and_then(Yaml::as_mapping);
    let events = events.into_iter().flat_map(|events| events.values());
    Some(Function {
        name: binary(resource)?,
        time_limit: Duration::from_secs(property("Timeout").unwrap_or(DEFAULT_SECONDS).into()),
        memory_mb: property("MemorySize").unwrap_or(DEFAULT_MEMORY_MB),
        routes: events.filter_map(route).collect(),
    })
}

fn route(event: &Yaml<'_>) -> Option<Route> {
    if text_at(event, &["Type"])? != "HttpApi" {
        return None;
    }
    let property = |name| text_at(event, &["Properties", name]).map(str::to_owned);
    Some(Route { method: property("Method")?.to_uppercase(), path: property("Path")? })
}

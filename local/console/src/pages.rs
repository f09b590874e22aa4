//! The page's files, what it begins with, and the sources that it shows.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use cloud::demo;
use cloud::service::Service;

use crate::desk::{Desk, Sorry};

/// Stands for the secret in the page's source.
const PLACE: &str = "{{secret}}";
const INDEX: &str = include_str!("../page/index.html");

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, type, text.
const FILES: [(&str, &str, &str); 14] = [
    ("style.css", CSS, include_str!("../page/style.css")),
    ("console.js", SCRIPT, include_str!("../page/console.js")),
    ("desk.js", SCRIPT, include_str!("../page/desk.js")),
    ("dom.js", SCRIPT, include_str!("../page/dom.js")),
    ("api.js", SCRIPT, include_str!("../page/api.js")),
    ("session.js", SCRIPT, include_str!("../page/session.js")),
    ("orders.js", SCRIPT, include_str!("../page/orders.js")),
    ("window.js", SCRIPT, include_str!("../page/window.js")),
    ("shop.js", SCRIPT, include_str!("../page/shop.js")),
    ("requests.js", SCRIPT, include_str!("../page/requests.js")),
    ("patterns.js", SCRIPT, include_str!("../page/patterns.js")),
    ("switches.js", SCRIPT, include_str!("../page/switches.js")),
    ("tour.js", SCRIPT, include_str!("../page/tour.js")),
    // Plots bring their own look along, the same as on the pages of stats and load.
    ("chart.css", CSS, stats::chart::STYLE),
];

/// `GET /`: the page, with the secret in it.
pub(crate) async fn index(State(desk): State<Desk>) -> Html<String> {
    Html(INDEX.replace(PLACE, &desk.secret))
}

/// `GET /page/{name}`: one of its files.
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(file, ..)| *file == name) else {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    };
    ([(header::CONTENT_TYPE, *kind)], *text).into_response()
}

/// `GET /start`: where the API is, and who can log in.
pub(crate) async fn start(State(desk): State<Desk>) -> Result<Json<Value>, Sorry> {
    let login = |login: &demo::Login| json!({ "email": login.email, "password": demo::PASSWORD });
    Ok(Json(json!({
        "api_url": desk.cloud.http(Service::Functions)?,
        "customer": login(&demo::CUSTOMER),
        "administrator": login(&demo::ADMINISTRATOR),
    })))
}

#[derive(Deserialize)]
pub(crate) struct Source {
    path: String,
}

/// `GET /source?path=…`: a file of this repository that the page points at, as text. Files of functions, of `shared`
/// and of `docs`, and no others.
pub(crate) async fn source(State(desk): State<Desk>, Query(Source { path }): Query<Source>) -> Response {
    let plain = path.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    });
    let shown = ["functions/", "shared/src/", "docs/"].iter().any(|folder| path.starts_with(folder));
    if !(plain && shown) {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    }
    match tokio::fs::read_to_string(desk.cloud.folder.root.join(&path)).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        Err(_) => (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
    }
}

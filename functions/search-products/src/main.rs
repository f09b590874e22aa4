//! `GET /api/search`: products by words, ranked, with the matches marked.

use shared::{
    app::App,
    catalog::{self, MOST_FOUND, MOST_SKIPPED, Search},
    error::{Error, Result, bad_request, not_found},
    http::{self, Endpoint, Request, Response},
    rate_limit::{API, SEARCH},
};

/// Products of a page, unless the caller asks for another number.
const PAGE: u16 = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/search").limited_by(&[SEARCH, API]), search_products).await
}

async fn search_products(app: App, request: Request) -> Result<Response> {
    let search = Search {
        words: request.query("q")?.ok_or_else(no_words)?,
        limit: request.number("limit", 1..=MOST_FOUND)?.unwrap_or(PAGE),
        offset: request.number("offset", 0..=MOST_SKIPPED)?.unwrap_or(0),
    };
    let cached = request.admit(app.searches.lookup(&search.key())).await?;
    let page = cached
        .until(request.time_limit().instant())
        .or_fill(async || catalog::search(&app.database, &search).await)
        .await?;
    http::json_text(200, &page.ok_or_else(|| not_found("page"))?.body)
}

fn no_words() -> Error {
    bad_request("A parameter of the address is not valid.").field("q", "say what to look for")
}

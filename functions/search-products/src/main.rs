//! `GET /api/search`: products by words, ranked, with the matches marked.

use shared::app::App;
use shared::catalog::{self, Currency, MOST_FOUND, Prices, Search, Words};
use shared::error::{Result, bad_parameter, not_found};
use shared::http::limits::{API, SEARCH};
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/search").limited_by(&[SEARCH, API]), search_products).await
}

async fn search_products(app: App, request: Request) -> Result<Response> {
    let search = search_of(&request)?;
    let cached = request.admit(app.searches.lookup(&search.key())).await?;
    let page = cached
        .until(request.time_limit().instant())
        .or_fill(async || catalog::search(&app.database, &search).await)
        .await?;
    http::json_text(200, &page.ok_or_else(|| not_found("page"))?.body)
}

fn search_of(request: &Request) -> Result<Search> {
    let words: Words = request.query("q")?.ok_or_else(|| bad_parameter("q", "say what to look for"))?;
    let first = Search::new(words);
    Ok(Search {
        limit: request.number("limit", 1..=MOST_FOUND)?.unwrap_or(first.limit),
        after: request.query("cursor")?,
        prices: Prices::new(
            request.query::<Currency>("currency")?,
            request.number("min_price", 0..=i64::MAX)?,
            request.number("max_price", 0..=i64::MAX)?,
        )?,
        in_stock: request.flag("in_stock")?.unwrap_or(first.in_stock),
        ..first
    })
}

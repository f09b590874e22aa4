//! `POST /api/graphql`: products and one's own orders, in the shape the caller asks for.
//!
//! One statement for each level of a query, however many rows it has: see [`loaders`].

mod batch;
mod loaders;
mod query;
mod refusal;
mod types;

use async_graphql::{EmptyMutation, EmptySubscription, Schema, Variables};
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::{
    app::App,
    config,
    error::{Result, invalid},
    http::{self, Endpoint, Request, Response},
};

use loaders::Batches;
use query::{Query, Viewer};

/// Longer than any query a person writes, and within what a body may have.
const LONGEST: usize = 8000;
/// `{ orders { items { product { price { amount } } } } }` is five deep.
const DEEPEST: usize = 8;
/// Fields, times the rows of the lists they stand in. Everything about 20 orders of 5 items comes to about 1,600.
const MOST_COMPLEX: usize = 2000;

type Shop = Schema<Query, EmptyMutation, EmptySubscription>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    let shop = schema(config::enabled("GRAPHQL_INTROSPECTION")?);
    http::serve(Endpoint::new("POST /api/graphql"), move |app, request| {
        let shop = shop.clone();
        async move { graphql(&shop, app, &request).await }
    })
    .await
}

/// Without introspection unless asked for: it tells strangers what there is, and costs more than any answer.
fn schema(introspection: bool) -> Shop {
    let shop = Schema::build(Query, EmptyMutation, EmptySubscription)
        .limit_depth(DEEPEST)
        .limit_complexity(MOST_COMPLEX);
    if introspection { shop } else { shop.disable_introspection() }.finish()
}

/// A request as GraphQL's clients send it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    /// Clients say here which library they are; nothing we act on.
    #[serde(default, rename = "extensions")]
    _extensions: Option<Value>,
}

async fn graphql(shop: &Shop, app: App, request: &Request) -> Result<Response> {
    request.admit(()).await?;
    let Body { query, operation_name, variables, .. } = request.json()?;
    if query.trim().is_empty() {
        return Err(invalid("query", "must not be empty"));
    }
    if query.chars().count() > LONGEST {
        return Err(invalid("query", format!("must have at most {LONGEST} characters")));
    }
    let viewer = Viewer(request.user().map(|claims| claims.sub));
    let mut query = async_graphql::Request::new(query)
        .variables(Variables::from_json(variables.unwrap_or_default().into()))
        .data(Batches::new(&app.database))
        .data(viewer)
        .data(app);
    query.operation_name = operation_name;
    http::json(200, &shop.execute(query).await)
}

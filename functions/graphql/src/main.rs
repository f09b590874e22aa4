//! `POST /api/graphql`: products and one's own orders, in the shape the caller asks for.
//!
//! One statement for each level of a query, however many rows it has: see [`loaders`].

mod answer;
mod batch;
mod guard;
mod loaders;
mod query;
mod refusal;
mod types;

use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, Schema, ServerError, Variables};
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::app::App;
use shared::config;
use shared::error::{Kind, Result, invalid};
use shared::http::{self, Endpoint, Request, Response, header};

use answer::MediaType;
use loaders::Batches;
use query::{Query, Viewer};
use refusal::refuse_request;

/// Longer than any query a person writes, and within what a body may have.
const LONGEST: usize = 8000;
/// `{ orders { items { product { price { amount } } } } }` is five deep.
const DEEPEST: usize = 8;
/// Fields, times the rows of the lists they stand in, and what statements count for. Everything about 20 orders of 5
/// items comes to about 1,600 fields and three statements; more than seven statements are too many, whatever they find.
const MOST_COMPLEX: usize = 3000;

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
    let media_type = MediaType::accepted(request.header(header::ACCEPT));
    request.admit(()).await?;
    let mut query = match read(request) {
        Ok(query) => query,
        // Problem details say it to everybody else.
        Err(error)
            if media_type == MediaType::GraphQl
                && matches!(error.problem().kind(), Kind::BadRequest | Kind::Validation) =>
        {
            return media_type.refusal(&refuse_request(error.problem()));
        }
        Err(error) => return Err(error),
    };
    if let Some(why) = guard::objection(&mut query) {
        return media_type.refusal(&[ServerError::new(why, None)]);
    }
    let viewer = Viewer(request.user().map(|user| user.id).map_err(Arc::new));
    let query = query.data(Batches::new(&app.database)).data(viewer).data(app);
    media_type.response(shop.execute(query).await)
}

fn read(request: &Request) -> Result<async_graphql::Request> {
    let Body { query, operation_name, variables, .. } = request.json(LONGEST)?;
    if query.trim().is_empty() {
        return Err(invalid("query", "must not be empty"));
    }
    if query.chars().count() > LONGEST {
        return Err(invalid("query", format!("must have at most {LONGEST} characters")));
    }
    let variables = Variables::from_json(variables.unwrap_or_default().into());
    let mut query = async_graphql::Request::new(query).variables(variables);
    query.operation_name = operation_name;
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_with_a_default_may_be_null() {
        let schema = schema(true).sdl();
        assert!(schema.contains("limit: Int = 20"), "{schema}");
        assert!(!schema.contains("! = "), "{schema}");
    }

    #[tokio::test]
    async fn more_than_seven_lists_of_products_or_two_of_orders_are_too_many_whatever_they_find() {
        let is_refused = async |list: &str, times: usize| {
            let lists: Vec<_> = (0..times).map(|n| format!("a{n}: {list}(limit: 1) {{ id }}")).collect();
            let answer = schema(false).execute(format!("{{ {} }}", lists.join(" "))).await;
            // Those that are not refused miss the shop that they would ask.
            answer.errors.iter().any(|error| error.message.contains("too complex"))
        };
        for (list, most) in [("products", 7), ("orders", 2)] {
            assert!(!is_refused(list, most).await, "{most} {list}");
            assert!(is_refused(list, most + 1).await, "{} {list}", most + 1);
        }
    }
}

//! `POST /api/graphql`: products and one's own orders, in the shape the caller asks for.
//!
//! A statement for each list of a query and for each level below, however many rows there are: see [`loaders`].

mod answer;
mod batch;
mod distinct;
mod guard;
mod loaders;
mod overlaps;
mod pages;
mod query;
mod refusal;
mod skipped;
mod types;

use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, Schema, ServerError, Variables};
use serde::Deserialize;
use serde_json::Value;
use shared::app::App;
use shared::config;
use shared::error::{Kind, Result, invalid};
use shared::http::{self, Endpoint, Request, Response, header};

use answer::MediaType;
use distinct::{Distinct, DistinctMap};
use loaders::Batches;
use query::{Query, Viewer};
use refusal::refuse_request;

/// Longer than any query a person writes, and within what a body may have.
const LONGEST: usize = 8000;
/// `{ orders { items { product { price { amount } } } } }` is five deep.
const DEEPEST: usize = 8;
/// Fields, times the rows of the lists they stand in, and what statements count for. Everything about 20 orders of 5
/// items comes to about 1,600 fields and three statements. Seven lists of products or two of orders are the most,
/// whatever they find, and products by their ids are one statement more. Of an order five items are reckoned, and a
/// cart may have 50: the products of 20 such orders are three statements, so a query can come to eleven.
const MOST_COMPLEX: usize = 3000;

type Shop = Schema<Query, EmptyMutation, EmptySubscription>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    let introspection = config::enabled("GRAPHQL_INTROSPECTION")?;
    let shop = schema(introspection);
    http::serve(Endpoint::new("POST /api/graphql"), move |app, request| {
        let shop = shop.clone();
        async move { graphql(&shop, introspection, &app, &request).await }
    })
    .await
}

/// Without introspection unless asked for: it tells strangers what there is, and costs more than any answer.
fn schema(introspection: bool) -> Shop {
    let shop = Schema::build(Query, EmptyMutation, EmptySubscription)
        .limit_depth(DEEPEST)
        .limit_complexity(MOST_COMPLEX);
    // What a name may have meant is a piece of the schema too.
    if introspection { shop } else { shop.disable_introspection().disable_suggestions() }.finish()
}

/// A request as GraphQL's clients send it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<DistinctMap>,
    /// Clients say here which library they are; nothing we act on.
    #[serde(default, rename = "extensions")]
    _extensions: Option<Distinct>,
}

async fn graphql(shop: &Shop, introspection: bool, app: &App, request: &Request) -> Result<Response> {
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
    if let Some(why) = guard::objection(&mut query, introspection) {
        return media_type.refusal(&[ServerError::new(why, None)]);
    }
    let viewer = Viewer(request.user().map(|user| user.id).map_err(Arc::new));
    let kept = skipped::keep(&mut query);
    let query = query.data(Batches::new(&app.database)).data(viewer);
    let mut answer = shop.execute(query).await;
    if kept {
        skipped::remove(&mut answer.data);
    }
    media_type.response(answer)
}

fn read(request: &Request) -> Result<async_graphql::Request> {
    let Body { query, operation_name, variables, .. } = request.json(LONGEST)?;
    if query.trim().is_empty() {
        return Err(invalid("query", "must not be empty"));
    }
    if query.chars().count() > LONGEST {
        return Err(invalid("query", format!("must have at most {LONGEST} characters")));
    }
    let mut variables = Value::from(variables.map(|DistinctMap(members)| members).unwrap_or_default());
    make_whole(&mut variables);
    let variables = Variables::from_json(variables);
    let mut query = async_graphql::Request::new(query).variables(variables);
    query.operation_name = operation_name;
    Ok(query)
}

/// Writes 7.0 as 7, which it is to JSON; async-graphql takes it for no Int. A Float may be written as either.
fn make_whole(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(make_whole),
        Value::Object(members) => members.values_mut().for_each(make_whole),
        Value::Number(number) if number.is_f64() => {
            // What is written without a fraction has none.
            if let Ok(whole) = number.as_f64().unwrap_or_default().to_string().parse::<i64>() {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is wrong with a limit, as callers are told.
    async fn complaint(query: &str, limit: Value) -> String {
        let mut variables = json!({ "l": limit });
        make_whole(&mut variables);
        let query = async_graphql::Request::new(query).variables(Variables::from_json(variables));
        let answer = schema(false).execute(query).await;
        answer.errors.first().map(|error| error.message.clone()).unwrap_or_default()
    }

    #[tokio::test]
    async fn a_limit_outside_its_range_is_refused_in_words_of_ours_however_it_is_given() {
        for limit in ["-1", "0", "21", "255", "256", "2147483648", "9223372036854775807"] {
            let literal = complaint(&format!("{{ products(limit: {limit}) {{ id }} }}"), Value::Null).await;
            assert_eq!(literal, "limit must be from 1 to 20", "{limit}");
            let number: Value = limit.parse().expect("a number");
            let variable = complaint("query($l: Int) { products(limit: $l) { id } }", number).await;
            assert_eq!(variable, "limit must be from 1 to 20", "{limit}");
        }
    }

    #[tokio::test]
    async fn a_variable_is_a_whole_number_however_it_is_written() {
        let query = "query($l: Int) { products(limit: $l) { id } }";
        for good in [json!(1), json!(1.0), json!(2e1)] {
            // It gets as far as the shop, which is not there.
            assert!(complaint(query, good.clone()).await.contains("does not exist"), "{good}");
        }
        assert_eq!(complaint(query, json!(21.0)).await, "limit must be from 1 to 20");
        for wrong in [json!(1.5), json!("1"), json!(true), json!(1e300), json!([1.5])] {
            let complaint = complaint(query, wrong.clone()).await;
            assert!(complaint.contains("expected type \"Int\""), "{wrong}: {complaint}");
        }
    }

    #[tokio::test]
    async fn without_introspection_no_complaint_names_what_a_misspelt_field_may_have_meant() {
        for (query, names) in [
            ("{ prodct { id } }", "product"),
            ("{ products { nme } }", "name"),
            ("{ products(limt: 1) { id } }", "limit"),
        ] {
            assert!(
                schema(true).execute(query).await.errors[0].message.contains(&format!("\"{names}")),
                "{query}"
            );
            let complaint = complaint(query, Value::Null).await;
            assert!(!complaint.is_empty() && !complaint.contains(&format!("\"{names}")), "{complaint}");
        }
    }

    /// Products and orders are not nested so deep, but what introspection finds is.
    #[tokio::test]
    async fn a_query_deeper_than_eight_is_refused() {
        let deep = |times: usize| {
            format!(
                "{{ __schema {{ types {{ fields {{ type {} }} }} }} }}",
                "{ ofType ".repeat(times) + "{ name }" + &" }".repeat(times)
            )
        };
        let messages = async |times| {
            let errors = schema(true).execute(deep(times)).await.errors;
            errors.into_iter().map(|error| error.message).collect::<Vec<_>>()
        };
        assert_eq!(messages(3).await, Vec::<String>::new());
        assert!(messages(4).await.iter().any(|message| message.contains("too deep")));
    }

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

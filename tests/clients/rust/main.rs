//! The client that openapi-to-rust generates.

#[expect(dead_code, reason = "of what is generated a few calls are made")]
mod millrace;

use std::env;

use millrace::{
    ApiOpError, Charge, ChargeStatus, Checkout, CheckoutApiError, CheckoutItem, GetProductApiError,
    GraphqlRequest, GraphqlRequestVariables, HttpClient, OrderAnswer, ProblemType, SearchProductsApiError,
};
use serde_json::json;
use uuid::Uuid;

const KNOWN: &str = "01900000-0000-7000-8000-000000000001";
const UNKNOWN: &str = "01900000-0000-7000-8000-ffffffffffff";
const QUERY: &str =
    "query Product($id: ID!, $limit: Int) { product(id: $id) { name } products(limit: $limit) { id } }";
/// More than any caller may search in a minute.
const TOO_MANY: u32 = 400;
const NONE: Option<&str> = None;

fn env(name: &str) -> String {
    env::var(name).expect(name)
}

/// What the answer's status makes of its body.
fn typed<T: std::fmt::Debug, E: std::fmt::Debug>(answer: Result<T, ApiOpError<E>>) -> E {
    match answer.expect_err("is refused") {
        ApiOpError::Api(refused) => refused.typed.expect("as the contract has it"),
        ApiOpError::Transport(why) => panic!("{why}"),
    }
}

async fn buy(
    customer: &HttpClient,
    quantity: i64,
    payment_method: &str,
) -> Result<OrderAnswer, ApiOpError<CheckoutApiError>> {
    let items = vec![CheckoutItem { product_id: KNOWN.parse().expect("an id"), quantity }];
    customer.checkout(Uuid::new_v4().to_string(), Checkout::new(items, payment_method.to_owned())).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let visitor = HttpClient::new().with_base_url(env("API_URL"));
    let customer = visitor.clone().with_api_key(env("CUSTOMER_TOKEN"));

    let product = customer.get_product(KNOWN, NONE, NONE).await.expect("200");
    assert_eq!(product.price.currency, "usd");

    let missing = typed(customer.get_product(UNKNOWN, NONE, NONE).await);
    let GetProductApiError::Status404(problem) = missing else { panic!("{missing:?}") };
    assert_eq!(problem.r#type, ProblemType::UrnMillraceProblemNotFound);

    let bought = buy(&customer, 1, "pm_card_visa").await.expect("201");
    assert_eq!(bought.charge.status, ChargeStatus::Succeeded);
    let order = customer.get_order(bought.order_id.to_string()).await.expect("200");
    assert_eq!(order.charge.id, bought.charge.id);

    let declined = typed(buy(&customer, 1, "pm_card_chargeDeclined").await);
    let CheckoutApiError::Status402(problem) = declined else { panic!("{declined:?}") };
    assert!(
        matches!(problem.charge, Charge { status: ChargeStatus::Failed, decline_code: Some(_), .. }),
        "{problem:?}"
    );

    let invalid = typed(buy(&customer, 0, "pm_card_visa").await);
    let CheckoutApiError::Status422(problem) = invalid else { panic!("{invalid:?}") };
    assert_eq!(problem.errors.expect("says where")[0].field, "items[0].quantity");

    let variables = [("id".to_owned(), json!(KNOWN)), ("limit".to_owned(), json!(3))].into();
    let request = GraphqlRequest {
        variables: Some(Some(GraphqlRequestVariables { additional_properties: variables })),
        ..GraphqlRequest::new(QUERY.to_owned())
    };
    let asked = customer.graphql(request).await.expect("200");
    assert!(asked.errors.is_none(), "{asked:?}");
    let data = asked.data.flatten().expect("data").additional_properties;
    assert_eq!(data["products"].as_array().map(Vec::len), Some(3), "{data:?}");

    let search =
        async |client: &HttpClient| client.search_products("wallet", None, NONE, NONE, None, None, None).await;
    let found = search(&customer).await.expect("200");
    assert!(found.products[0].highlight.contains("<mark>"), "{found:?}");

    for call in 0.. {
        assert!(call < TOO_MANY);
        let answer = search(&visitor).await;
        if answer.is_ok() {
            continue;
        }
        let limited = typed(answer);
        let SearchProductsApiError::Status429(problem) = limited else { panic!("{limited:?}") };
        assert!(!problem.violated_policies.is_empty());
        break;
    }
    println!("openapi-to-rust: every answer is as its type says");
}

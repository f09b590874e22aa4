//! The provider as anyone else would talk to it: `curl`, or another Stripe client.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::testing::{Double, KEY};

async fn post(double: &Double, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let request = reqwest::Client::new().post(format!("{}{path}", double.url)).basic_auth(KEY, Some(""));
    let response = request.form(form).send().await.expect("answered");
    (response.status(), response.json().await.expect("JSON"))
}

async fn get(double: &Double, path: &str) -> (StatusCode, Value) {
    let request = reqwest::Client::new().get(format!("{}{path}", double.url)).bearer_auth(KEY);
    let response = request.send().await.expect("answered");
    (response.status(), response.json().await.expect("JSON"))
}

#[tokio::test]
async fn it_takes_the_payment_method_with_the_confirmation_as_well() {
    let double = Double::start().await;
    let (_, intent) = post(&double, "/v1/payment_intents", &[("amount", "100"), ("currency", "usd")]).await;
    assert_eq!(intent["status"], "requires_payment_method");
    let confirm = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().expect("an id"));
    let (status, error) = post(&double, &confirm, &[]).await;
    assert_eq!((status.as_u16(), &error["error"]["code"]), (400, &json!("payment_intent_unexpected_state")));
    let (status, paid) = post(&double, &confirm, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!((status.as_u16(), &paid["status"]), (200, &json!("succeeded")));
    assert!(paid["latest_charge"].is_string());
    let (_, shown) = get(
        &double,
        &format!("/v1/payment_intents/{}?expand[]=latest_charge", paid["id"].as_str().expect("an id")),
    )
    .await;
    assert_eq!(shown["latest_charge"]["status"], "succeeded");
}

#[tokio::test]
async fn it_creates_and_confirms_in_one_call_if_asked_to() {
    let double = Double::start().await;
    let create = async |card: Option<&str>| {
        let mut form = vec![("amount", "100"), ("currency", "usd"), ("confirm", "true")];
        form.extend(card.map(|card| ("payment_method", card)));
        post(&double, "/v1/payment_intents", &form).await
    };
    let (status, paid) = create(Some("pm_card_visa")).await;
    assert_eq!((status.as_u16(), &paid["status"]), (200, &json!("succeeded")));
    let (_, shown) =
        get(&double, &format!("/v1/payment_intents/{}", paid["id"].as_str().expect("an id"))).await;
    assert_eq!(shown["latest_charge"], paid["latest_charge"]);
    let (status, declined) = create(Some("pm_card_visa_chargeDeclined")).await;
    assert_eq!((status.as_u16(), &declined["error"]["code"]), (402, &json!("card_declined")));
    assert_eq!(create(None).await.0.as_u16(), 400);
}

#[tokio::test]
async fn it_answers_mistakes_with_stripes_errors() {
    let double = Double::start().await;
    let intents = "/v1/payment_intents";
    for (path, form, status, code) in [
        (intents, vec![("currency", "eur")], 400, "parameter_missing"),
        (intents, vec![("amount", "ten"), ("currency", "eur")], 400, "parameter_invalid_integer"),
        (intents, vec![("amount", "100"), ("currency", "eur"), ("colour", "red")], 400, "parameter_unknown"),
        ("/v1/payment_intents/pi_none/confirm", vec![], 404, "resource_missing"),
        ("/v1/refunds", vec![], 400, "parameter_missing"),
    ] {
        let (answered, body) = post(&double, path, &form).await;
        assert_eq!(answered.as_u16(), status, "{path} {form:?}");
        assert_eq!(body["error"]["code"], code, "{path} {form:?}");
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
    let (status, body) = get(&double, "/v1/customers").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body["error"]["message"].as_str().expect("a message").contains("/v1/customers"));
}

#[tokio::test]
async fn it_lists_the_newest_first_page_by_page() {
    let double = Double::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        let (_, intent) =
            post(&double, "/v1/payment_intents", &[("amount", "100"), ("currency", "usd")]).await;
        made.push(intent["id"].as_str().expect("an id").to_owned());
    }
    made.reverse();
    let mut listed = Vec::new();
    let mut page = "/v1/payment_intents?limit=2".to_owned();
    loop {
        let (_, answer) = get(&double, &page).await;
        let ids = answer["data"].as_array().expect("data").iter().filter_map(|intent| intent["id"].as_str());
        listed.extend(ids.map(str::to_owned));
        if answer["has_more"] == false {
            break;
        }
        page = format!("/v1/payment_intents?limit=2&starting_after={}", listed.last().expect("an id"));
    }
    assert_eq!(listed, made);
}

#[tokio::test]
async fn it_shows_who_asked_for_what() {
    let double = Double::start().await;
    let order = uuid::Uuid::now_v7();
    double.intent(order, "pm_card_visa").await;
    let requests = double.control("GET", "requests", Value::Null).await;
    assert_eq!(requests[0]["key"], format!("create:{order}"));
    assert!(requests[0]["version"].as_str().expect("a version").starts_with("20"));
    assert!(requests[0]["parameters"].as_str().expect("a form").contains("amount=1999"));
    assert!(!requests.to_string().contains(KEY));
}

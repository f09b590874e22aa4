//! Reading orders.

use serde_json::json;
use shared::database::Statement;
use tests::{Call, Customer, database, every_page, new_product};
use uuid::Uuid;

#[tokio::test]
async fn a_customer_pages_through_orders_newest_first_and_each_comes_once() {
    let customer = Customer::register().await;
    let product = new_product(250, 100).await;
    let mut bought = Vec::new();
    for _ in 0..5 {
        bought.push(customer.buys(&product).await.expect(201).order());
    }
    bought.reverse();

    let pages = customer.call("list-orders", "GET", "/api/orders").query("limit", "2");
    let mut seen = Vec::new();
    for order in every_page(&pages, "orders").await {
        assert_eq!(order["total"]["amount"], 250);
        assert_eq!(order["items"][0]["product_id"], product.as_str());
        seen.push(order["id"].clone());
    }
    assert_eq!(seen, bought);
}

#[tokio::test]
async fn what_postgres_writes_as_json_goes_out_without_spaces_that_nobody_reads() {
    let customer = Customer::register().await;
    let order = customer.buys(&new_product(250, 100).await).await.expect(201).order();
    let list = customer.call("list-orders", "GET", "/api/orders").send().await.expect(200);
    let path = format!("/api/orders/{order}");
    let one = customer.call("get-order", "GET", path).parameter("id", order).send().await.expect(200);
    for answer in [list, one] {
        assert_eq!(answer.json().to_string().len(), answer.text.len(), "{}", answer.text);
    }
}

#[tokio::test]
async fn an_order_placed_on_a_whole_second_is_read_like_any_other() {
    static ON_THE_SECOND: Statement = Statement::new(
        "tests.on_the_second",
        "update orders set created_at = date_trunc('second', created_at) where id = $1",
    );
    let (customer, product) = (Customer::register().await, new_product(250, 1).await);
    let id = customer.buys(&product).await.expect(201).order();
    let number: Uuid = id.parse().expect("an id");
    assert_eq!(database().execute(ON_THE_SECOND.bind(number)).await.expect("updates"), 1);
    assert_eq!(customer.order(&id).await["id"], id);
    let page = customer.call("list-orders", "GET", "/api/orders").send().await.expect(200).json();
    assert_eq!(page["orders"][0]["id"], id);
}

#[tokio::test]
async fn nobody_sees_another_customers_order() {
    let (buyer, stranger) = (Customer::register().await, Customer::register().await);
    let product = new_product(250, 1).await;
    let id = buyer.buys(&product).await.expect(201).order();
    assert_eq!(buyer.order(&id).await["charge"]["status"], "succeeded");
    let path = format!("/api/orders/{id}");
    stranger.call("get-order", "GET", &path).parameter("id", &id).send().await.expect(404);
    Call::new("get-order", "GET", &path).parameter("id", &id).send().await.expect(401);
}

#[tokio::test]
async fn parameters_of_the_list_that_make_no_sense_are_refused_by_name() {
    let customer = Customer::register().await;
    let (limit, cursor) = ("must be from 1 to 20", "must be the next_cursor of the page before");
    for (name, value, message) in [
        ("limit", "0", limit),
        ("limit", "21", limit),
        ("limit", "ten", limit),
        ("limit", "99999999999999999999", limit),
        ("cursor", "abc", cursor),
        ("cursor", "", cursor),
    ] {
        let answer =
            customer.call("list-orders", "GET", "/api/orders").query(name, value).send().await.expect(400);
        assert_eq!(answer.json()["errors"], json!([{ "field": name, "message": message }]));
    }
}

#[tokio::test]
async fn an_old_order_is_listed_for_who_asks_for_it() {
    static AGE: Statement = Statement::new(
        "tests.age_order",
        "update orders set created_at = now() - interval '40 days' where id = $1",
    );
    let (customer, product) = (Customer::register().await, new_product(250, 100).await);
    let order = customer.buys(&product).await.expect(201).order();
    let id: Uuid = order.parse().expect("an id");
    database().execute(AGE.bind(id)).await.expect("updates");
    let list = customer.call("list-orders", "GET", "/api/orders");
    assert_eq!(list.send().await.expect(200).json()["orders"], json!([]));
    let old = list.clone().query("since", "2020-01-01T00:00:00Z").send().await.expect(200).json();
    assert_eq!(old["orders"][0]["id"], order);
    let list = customer.call("list-orders", "GET", "/api/orders").query("since", "last year");
    assert_eq!(list.send().await.expect(400).json()["errors"][0]["field"], "since");
}

//! A customer over HTTP: through the doors to real functions, and to the running cloud behind them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use nix::sys::signal::Signal;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use cloud::Cloud;
use cloud::folder::Folder;
use cloud::key_value;
use cloud::serving;
use lambda::gateway::open;
use lambda::runtime_api::Fleet;
use lambda::tell::nobody;

/// Product 1 of the demo data.
const PRODUCT: &str = "/api/products/01900000-0000-7000-8000-000000000001";

/// The doors on a port of their own, and what the cloud's functions answer through them.
struct Shop {
    fleet: Arc<Fleet>,
    serving: AbortHandle,
    url: String,
    client: Client,
    settings: BTreeMap<String, String>,
}

impl Shop {
    async fn open() -> Result<Self> {
        let root = &Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let name = std::env::var("MILLRACE_DEV_DIR").unwrap_or_else(|_| ".dev".to_owned());
        let cloud = Cloud::open(Folder::at(root, &root.join(name), "./dev")?)?;
        let settings = key_value::read(&cloud.folder.env())?;
        ensure!(settings.contains_key("API_URL"), "no local cloud: ./dev up --detach");
        let fleet = Arc::new(Fleet::start(serving::settings(&cloud, "debug")?).await?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (serves, functions) = (Arc::clone(&fleet), cloud.template.functions);
        let serving =
            tokio::spawn(async move { open(&listener, serves, &functions, nobody).await }).abort_handle();
        Ok(Self { fleet, serving, url, client: Client::new(), settings })
    }

    /// A request of the demo customer.
    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.settings["CUSTOMER_TOKEN"])
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, String)> {
        let response = self.request(Method::GET, path).send().await?;
        Ok((response.status(), response.text().await?))
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tokio::test]
async fn what_a_request_says_reaches_the_function_and_what_it_answers_comes_back() -> Result<()> {
    let shop = Shop::open().await?;
    let product = shop.request(Method::GET, PRODUCT).send().await?;
    assert_eq!(product.status(), 200);
    let tag = product.headers()["etag"].clone();
    let unchanged = shop.request(Method::GET, PRODUCT).header("if-none-match", tag).send().await?;
    assert_eq!((unchanged.status(), unchanged.bytes().await?.len()), (StatusCode::NOT_MODIFIED, 0));

    let (status, page) = shop.get("/api/orders?limit=2").await?;
    let page: Value = serde_json::from_str(&page)?;
    assert_eq!((status, page["orders"].as_array().map(Vec::len)), (StatusCode::OK, Some(2)));

    let wrong = json!({ "items": [], "payment_method": "pm_card_visa" });
    let checkout =
        shop.request(Method::POST, "/api/checkout").header("idempotency-key", "doors").json(&wrong);
    let refused = checkout.send().await?;
    assert_eq!(refused.status(), 422);
    assert_eq!(refused.json::<Value>().await?["errors"][0]["field"], "items");
    Ok(())
}

#[tokio::test]
async fn what_has_no_route_is_the_gateways_own_404() -> Result<()> {
    let shop = Shop::open().await?;
    let not_found = (StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#.to_owned());
    assert_eq!(shop.get("/api/nothing").await?, not_found);
    assert_eq!(shop.request(Method::PATCH, PRODUCT).send().await?.status(), 404);
    assert!(shop.fleet.environments().is_empty(), "no function was asked");
    Ok(())
}

#[tokio::test]
async fn a_dead_environment_is_replaced_and_a_crowd_waits_for_its_turn() -> Result<()> {
    let shop = Shop::open().await?;
    assert_eq!(shop.get(PRODUCT).await?.0, 200);
    let [first] = &shop.fleet.environments()[..] else { anyhow::bail!("one environment") };
    assert!(shop.fleet.signal(first.id, Signal::SIGKILL));
    let gone = async {
        while shop.fleet.environments().iter().any(|environment| environment.id == first.id) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), gone).await.context("it did not die")?;
    let crowd = try_join_all((0..40).map(|_| shop.get(PRODUCT))).await?;
    assert!(crowd.iter().all(|(status, _)| *status == 200), "{crowd:?}");
    Ok(())
}

#[tokio::test]
async fn a_function_without_a_route_is_invoked_through_the_other_door() -> Result<()> {
    let shop = Shop::open().await?;
    let invoke =
        |function| shop.request(Method::POST, &format!("/2015-03-31/functions/{function}/invocations"));
    let swept = invoke("order-sweeper").body("{}").send().await?;
    assert_eq!((swept.status(), swept.headers().get("x-amz-function-error")), (StatusCode::OK, None));
    assert!(swept.json::<Value>().await?.is_object());
    let failed = invoke("migrate").body(r#"{"dryrun":true}"#).send().await?;
    assert_eq!(failed.headers()["x-amz-function-error"], "Unhandled");
    assert_eq!(invoke("nobody").body("{}").send().await?.status(), 404);
    Ok(())
}

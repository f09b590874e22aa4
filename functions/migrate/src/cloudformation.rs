//! The custom resource `Migration` of template.yaml.
//!
//! CloudFormation invokes the function and waits until something is PUT to the address in the event. Nothing else ends
//! its waiting but its own time-out, so there is an answer to everything, failures and panics included. The address is
//! signed: whoever has it can answer, so it is in no log and in no error.
//!
//! A failed invocation would be repeated by Lambda, minutes later and after the deployment was rolled back. So only an
//! answer that did not arrive fails the invocation.

use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::time_limit::TimeLimit;
use shared::tls;

use crate::work::{Failure, Settings};

/// Never changes: another id would make CloudFormation delete the "old" resource after an update.
const PHYSICAL_RESOURCE_ID: &str = "millrace-migration";

/// CloudFormation takes 4 kB in all.
const LONGEST_REASON: usize = 1000;

const TRIES: u32 = 3;
const TRY_LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
enum Type {
    Create,
    Update,
    Delete,
    #[serde(other)]
    Other,
}

/// A request of CloudFormation, in its own words.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Request {
    #[serde(rename = "RequestType")]
    kind: Type,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    #[serde(rename = "RequestId")]
    id: String,
    logical_resource_id: String,
}

impl Request {
    /// Whether somebody waits for an answer elsewhere.
    pub(crate) fn is_in(event: &Value) -> bool {
        event.get("ResponseURL").is_some()
    }

    pub(crate) fn from_event(event: Value) -> Result<Self, Failure> {
        // serde's own text could quote the address.
        serde_json::from_value(event).map_err(|_| "CloudFormation's request lacks a field".into())
    }

    /// Does what is asked, and answers. Returns the answer.
    pub(crate) async fn serve(
        &self,
        settings: Result<Settings, Failure>,
        limit: TimeLimit,
    ) -> Result<Value, Failure> {
        let answer = match self.work(settings, limit).await {
            Ok(data) => self.answer("SUCCESS", "", &data),
            Err(failure) => {
                let reason = failure.to_string();
                tracing::error!(cause = reason, "the deployment is told that the migration failed: {reason}");
                self.answer("FAILED", &reason, &json!({}))
            }
        };
        self.send(&answer).await?;
        Ok(answer)
    }

    async fn work(&self, settings: Result<Settings, Failure>, limit: TimeLimit) -> Result<Value, Failure> {
        match self.kind {
            // The schema outlives the stack's resource: a database that is to go, goes with its own resource.
            Type::Delete => Ok(json!({})),
            Type::Create | Type::Update => {
                let settings = settings?;
                let (key, hashes) = (settings.token_public_key()?, settings.edge_secret_hashes()?);
                settings.migrate(limit).await?;
                Ok(json!({ "TokenPublicKey": key, "EdgeSecretHashes": hashes }))
            }
            Type::Other => Err("an unknown type of request".into()),
        }
    }

    fn answer(&self, status: &str, reason: &str, data: &Value) -> Value {
        json!({
            "Status": status,
            "Reason": reason.chars().take(LONGEST_REASON).collect::<String>(),
            "PhysicalResourceId": PHYSICAL_RESOURCE_ID,
            "StackId": self.stack_id,
            "RequestId": self.id,
            "LogicalResourceId": self.logical_resource_id,
            "Data": data,
        })
    }

    async fn send(&self, answer: &Value) -> Result<(), Failure> {
        let client = client()?;
        let mut tries = 1;
        loop {
            let Err(error) = put(&client, &self.response_url, answer).await else { return Ok(()) };
            let error = error.without_url();
            tracing::warn!(tries, cause = %error, "CloudFormation did not take the answer: {error}");
            if tries == TRIES {
                return Err(format!("CloudFormation did not take the answer: {error}").into());
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// No content type: the signature is over an empty one.
async fn put(client: &Client, url: &str, answer: &Value) -> reqwest::Result<()> {
    let sent = client.put(url).body(answer.to_string()).timeout(TRY_LIMIT).send().await?;
    sent.error_for_status().map(drop)
}

/// Trusts Mozilla's roots, which signed S3's certificates; `provided.al2023` has none that could be relied on.
fn client() -> Result<Client, Failure> {
    let tls = tls::client(tls::of_the_web())?;
    Ok(Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}

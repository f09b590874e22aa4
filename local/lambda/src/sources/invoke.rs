//! Invocations: through Lambda's invoke API, or of a fleet in this process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;

use crate::runtime_api::Fleet;

/// What came of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The function returned this.
    Returned(String),
    /// The function failed, or could not be run; this says why.
    Failed(String),
}

/// Invokes functions.
#[derive(Clone)]
pub enum Invoker {
    /// Lambda's invoke API.
    Api {
        /// Keeps its connections.
        client: reqwest::Client,
        /// `http://127.0.0.1:PORT`
        base: String,
    },
    /// Our own Runtime API.
    Fleet(Arc<Fleet>),
}

impl Invoker {
    /// An invoker for the API at an address like `http://127.0.0.1:9000`.
    pub fn new(base: String) -> Result<Self> {
        // Longer than any function may take, and than `cargo lambda watch` compiles one after a change.
        let client = reqwest::Client::builder()
            .timeout(Duration::from_mins(5))
            .no_proxy()
            .tls_certs_only([])
            .build()?;
        Ok(Self::Api { client, base })
    }

    /// Invokes a function and waits for what it returns. An error means that the API could not be reached.
    pub async fn invoke(&self, function: &str, payload: String) -> Result<Answer> {
        match self {
            Self::Api { client, base } => {
                let url = format!("{base}/2015-03-31/functions/{function}/invocations");
                let response =
                    client.post(url).body(payload).send().await.context("the functions do not answer")?;
                let failed = !response.status().is_success()
                    || response.headers().contains_key("x-amz-function-error");
                let body = response.text().await.context("the answer broke off")?;
                Ok(if failed { Answer::Failed(body) } else { Answer::Returned(body) })
            }
            Self::Fleet(fleet) => Ok(match fleet.invoke(function, Bytes::from(payload)).await {
                Ok(answer) => Answer::Returned(String::from_utf8_lossy(&answer.body).into_owned()),
                Err(error) => Answer::Failed(error.to_string()),
            }),
        }
    }
}

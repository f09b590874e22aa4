//! Whether a function in Node.js does what ours does: only then do their figures belong beside each other.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::cases::Case;
use super::counts::Counter;
use super::measure::{Bench, Candidate};

/// An answer to an HTTP event, as far as it is compared.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
}

/// Asks both the same, and fails if they answer otherwise.
pub(super) async fn check(bench: &Bench<'_>, case: &Case, ours: &Candidate, twin: &Candidate) -> Result<()> {
    // What is cached may be older than what the twin has changed meanwhile.
    Counter::new(bench.cloud).await?.empty_redis().await?;
    let number = bench.number();
    let ours = ask(bench, case, ours, number).await?;
    let twin = ask(bench, case, twin, number).await?;
    match difference(&ours, &twin, case.reads)? {
        Some(difference) => bail!("{}: the twin in Node.js answers otherwise: {difference}", case.name),
        None => Ok(()),
    }
}

async fn ask(bench: &Bench<'_>, case: &Case, candidate: &Candidate, number: u64) -> Result<Bytes> {
    let fleet = bench.fleet(case, 1, candidate.command.clone()).await?;
    let answer = fleet.invoke(case.function, case.event(&bench.traffic, number)?).await?;
    fleet.end().await?;
    Ok(answer.body)
}

/// Status and names of headers are always the same, and what a read answers with.
fn difference(ours: &[u8], twin: &[u8], reads: bool) -> Result<Option<String>> {
    let answer = |answer| serde_json::from_slice::<Answer>(answer).context("no answer to an HTTP event");
    let (ours, twin) = (answer(ours)?, answer(twin)?);
    if ours.status_code != twin.status_code {
        return Ok(Some(format!("{} and not {}: {:?}", twin.status_code, ours.status_code, twin.body)));
    }
    let names = |answer: &Answer| answer.headers.keys().cloned().collect::<Vec<_>>().join(", ");
    if names(&ours) != names(&twin) {
        return Ok(Some(format!("with the headers {} and not {}", names(&twin), names(&ours))));
    }
    let (expected, body) = (parsed(&ours)?, parsed(&twin)?);
    Ok((reads && expected != body).then(|| format!("{body}\nand not {expected}")))
}

fn parsed(answer: &Answer) -> Result<Value> {
    match answer.body.as_deref().filter(|body| !body.is_empty()) {
        Some(body) => serde_json::from_str(body).context("a body that is not JSON"),
        None => Ok(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, header: &str, body: &str) -> Vec<u8> {
        json!({ "statusCode": status, "headers": { header: "x" }, "body": body }).to_string().into_bytes()
    }

    #[test]
    fn answers_are_alike_in_status_names_of_headers_and_what_was_read() -> Result<()> {
        let ours = answer(200, "etag", r#"{"id": 1, "name": "Lamp"}"#);
        let alike = |twin: Vec<u8>, reads| Ok::<_, anyhow::Error>(difference(&ours, &twin, reads)?.is_none());
        assert!(alike(answer(200, "etag", r#"{"name":"Lamp","id":1}"#), true)?, "in another order");
        assert!(!alike(answer(500, "etag", r#"{"id":1,"name":"Lamp"}"#), true)?);
        assert!(!alike(answer(200, "date", r#"{"id":1,"name":"Lamp"}"#), true)?);
        assert!(!alike(answer(200, "etag", r#"{"id":1}"#), true)?);
        assert!(alike(answer(200, "etag", r#"{"id":2}"#), false)?, "a write answers with an id of its own");
        Ok(())
    }
}

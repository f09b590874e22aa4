//! `invoke`: an event to a function, and its answer, readable.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use shared::payments::{Secret, webhook};
use time::OffsetDateTime;

use cloud::folder::Folder;
use cloud::given;
use cloud::key_value;
use cloud::progress::{say, tell};
use lambda::sources::{Answer, Invoker};

/// Stands in an event for the provider's signature of its body.
const SIGNATURE: &str = "{{STRIPE_SIGNATURE}}";

/// Sends an event. Fails when the function did; an HTTP error that it answers is an answer.
pub(crate) async fn invoke(folder: &Folder, function: &str, event: Option<&Path>) -> Result<ExitCode> {
    ensure!(
        folder.has(function),
        "there is no function {function}; choose from: {}",
        folder.written_functions().join(" ")
    );
    let env = key_value::read(&folder.env())?;
    let base = env.get("API_URL").with_context(|| format!("nothing was started yet: {} up", folder.dev))?;
    let path = find_event(folder, function, event)?;
    let mut payload = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    for (name, value) in &env {
        payload = payload.replace(&format!("{{{{{name}}}}}"), value);
    }
    if payload.contains(SIGNATURE) {
        let secrets = env.get("PAYMENTS_WEBHOOK_SECRET").map(String::as_str).unwrap_or_default();
        let secret = secrets.split(',').next().unwrap_or_default().trim();
        payload = payload.replace(SIGNATURE, &signature(&payload, secret)?);
    }
    let invoker = Invoker::new(base.clone())?;
    say(format_args!("  {function} ← {}", path.strip_prefix(&folder.root).unwrap_or(&path).display()));
    match invoker
        .invoke(function, payload)
        .await
        .with_context(|| format!("is it up? {} status", folder.dev))?
    {
        Answer::Returned(body) => {
            tell(pretty(&body));
            Ok(ExitCode::SUCCESS)
        }
        Answer::Failed(reason) => {
            tell(pretty(&reason));
            bail!("{function} failed; {} logs functions", folder.dev)
        }
    }
}

/// Stripe's signature of the event's body. It holds the time, so no file can.
fn signature(event: &str, secret: &str) -> Result<String> {
    let event: Value = serde_json::from_str(event).context("the event is not JSON")?;
    let body = event["body"].as_str().unwrap_or_default();
    Ok(webhook::sign(&Secret::new(secret), body.as_bytes(), OffsetDateTime::now_utc()))
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// A file as named, `events/FUNCTION-EVENT.json`, or the function's only or first event.
fn find_event(folder: &Folder, function: &str, event: Option<&Path>) -> Result<PathBuf> {
    let events = folder.root.join("events");
    let ours = |name: &String| name.strip_suffix(".json").is_some_and(|name| belongs_to(name, function));
    let mut candidates: Vec<_> = names_in(&events).into_iter().filter(ours).collect();
    // The plain one first.
    candidates.sort_by_key(String::len);
    let Some(event) = event else {
        let first =
            candidates.first().with_context(|| format!("there is no file events/{function}*.json"))?;
        return Ok(events.join(first));
    };
    let named = events.join(format!("{function}-{}.json", event.display()));
    let choices = [given::file(event), event.to_owned(), named];
    let found = choices.into_iter().find(|path| path.is_file());
    found.with_context(|| format!("there is no such event; choose from: {}", candidates.join(" ")))
}

/// `order-sweeper` has `order-sweeper.json` and `order-sweeper-late.json`.
fn belongs_to(event: &str, function: &str) -> bool {
    event.strip_prefix(function).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// JSON spread out; an HTTP answer's body too, where it is JSON inside a string.
fn pretty(answer: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(answer) else { return answer.to_owned() };
    if let Some(body) = value.get_mut("body")
        && let Some(inner) = body.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok())
    {
        *body = inner;
    }
    serde_json::to_string_pretty(&value).unwrap_or_else(|_| answer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_spreads_out_a_json_body_inside_an_http_answer() {
        let text = pretty(r#"{"statusCode":200,"body":"{\"id\":1}"}"#);
        assert!(text.contains("\"id\": 1"), "{text}");
        assert_eq!(pretty("plain"), "plain");
    }

    #[test]
    fn it_finds_the_events_of_a_function() -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let root = scratch.path();
        fs::create_dir_all(root.join("events"))?;
        for name in ["checkout.json", "checkout-declined.json", "checkouts.json"] {
            fs::write(root.join("events").join(name), "{}")?;
        }
        let folder = Folder::at(root, &root.join(".dev"), "./dev")?;
        assert!(find_event(&folder, "checkout", None)?.ends_with("checkout.json"));
        assert!(
            find_event(&folder, "checkout", Some(Path::new("declined")))?.ends_with("checkout-declined.json")
        );
        let error =
            find_event(&folder, "checkout", Some(Path::new("nonsense"))).map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("there is no such event; choose from: checkout.json checkout-declined.json".to_owned())
        );
        Ok(())
    }
}

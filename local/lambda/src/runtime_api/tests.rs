//! Against a small function of our own and a real one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;

/// Longer than anything here takes on a busy machine.
const AMPLE: Duration = Duration::from_mins(1);

/// The small function, in one environment.
fn function(folder: &Path, how: &str) -> Result<FunctionSettings> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtime_api/tests/function.py");
    let command = vec!["python3".to_owned(), script.display().to_string(), how.to_owned()];
    let (program, log) = (None, File::create(folder.join("function.log"))?);
    let (time_limit, memory_mb, environments, at_a_time) = (AMPLE, 512, 1, 1);
    Ok(FunctionSettings { command, program, time_limit, memory_mb, environments, at_a_time, log })
}

async fn start(function: FunctionSettings) -> Result<Arc<Fleet>> {
    let functions = BTreeMap::from([("function".to_owned(), function)]);
    let environment = vec![("SHOP".to_owned(), "open".to_owned())];
    Ok(Arc::new(Fleet::start(Settings { functions, environment }).await?))
}

/// A fleet of the small function, and the folder of its log.
async fn fleet(environments: usize) -> Result<(Arc<Fleet>, TempDir)> {
    let folder = tempfile::tempdir()?;
    let fleet = start(FunctionSettings { environments, ..function(folder.path(), "well")? }).await?;
    Ok((fleet, folder))
}

async fn invoke(fleet: &Fleet, event: impl Into<Bytes>) -> Result<Answer, InvokeError> {
    fleet.invoke("function", event.into()).await
}

/// An invocation that is under way meanwhile.
fn begin(fleet: &Arc<Fleet>, event: impl Into<Bytes>) -> JoinHandle<Result<Answer, InvokeError>> {
    let (fleet, event) = (Arc::clone(fleet), event.into());
    tokio::spawn(async move { fleet.invoke("function", event).await })
}

async fn until(condition: impl Fn() -> bool) -> Result<()> {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(AMPLE, met).await.context("the condition was never met")
}

fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn it_returns_the_answer_byte_for_byte_and_starts_nothing_for_the_next_one() -> Result<()> {
    let (fleet, _folder) = fleet(5).await?;
    assert!(fleet.environments().is_empty(), "nothing runs before it is needed");
    let first = invoke(&fleet, r#"{"ä":  1.0}"#).await?;
    assert_eq!(first.body, r#"{"ä":  1.0}"#);
    let second = invoke(&fleet, "[]").await?;
    assert_eq!((first.cold, second.cold), (true, false));
    assert_eq!(first.environment, second.environment);
    assert_ne!(first.request_id, second.request_id);
    assert_eq!(fleet.environments().len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_lambda_would_not_take_fails_and_the_next_one_is_the_same_environments() -> Result<()>
{
    let (fleet, _folder) = fleet(1).await?;
    let most = invoke(&fleet, "\"answer so many bytes: 6291556\"").await?;
    assert_eq!(most.body.len(), MOST_BYTES);
    let error = invoke(&fleet, "\"answer so many bytes: 6291557\"").await;
    let Err(InvokeError::Failed(why)) = error else { anyhow::bail!("{error:?}") };
    assert!(String::from_utf8_lossy(&why).contains("Function.ResponseSizeTooLarge"));
    assert_eq!(invoke(&fleet, "[]").await?.environment, most.environment);
    Ok(())
}

#[tokio::test]
async fn a_function_learns_its_deadline_its_ids_and_its_settings() -> Result<()> {
    let (fleet, folder) = fleet(1).await?;
    let answer = invoke(&fleet, "\"tell\"").await?;
    let told: Value = serde_json::from_slice(&answer.body)?;
    let headers = &told["headers"];
    assert_eq!(headers["lambda-runtime-aws-request-id"], answer.request_id.as_str());
    let deadline = headers["lambda-runtime-deadline-ms"].as_str().context("a deadline")?.parse::<f64>()?;
    let left = deadline / 1000.0 - told["now"].as_f64().context("a time")?;
    assert!(left > 0.0 && left <= AMPLE.as_secs_f64(), "{left} s are left of {AMPLE:?}");
    let trace = headers["lambda-runtime-trace-id"].as_str().context("a trace id")?;
    assert!(trace.starts_with("Root=1-") && trace.contains(";Parent="), "{trace}");
    assert_eq!(told["environ"]["SHOP"], "open");
    assert_eq!(told["environ"]["AWS_LAMBDA_FUNCTION_NAME"], "function");
    assert_eq!(told["environ"]["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "512");
    assert_eq!(
        told["environ"]["CARGO_MANIFEST_DIR"],
        Value::Null,
        "our own environment is not the function's"
    );
    let log = std::fs::read_to_string(folder.path().join("function.log"))?;
    assert!(log.contains(&answer.request_id), "{log}");
    Ok(())
}

#[tokio::test]
async fn one_environment_has_one_invocation_at_a_time_and_the_others_wait() -> Result<()> {
    let (fleet, _folder) = fleet(3).await?;
    let invocations: Vec<_> = (0..60).map(|_| begin(&fleet, "1")).collect();
    for invocation in invocations {
        invocation.await??;
    }
    let environments = fleet.environments();
    assert!(environments.len() <= 3, "{environments:?}");
    assert_eq!(environments.iter().map(|environment| environment.invocations).sum::<u64>(), 60);
    Ok(())
}

#[tokio::test]
async fn an_error_of_the_function_comes_back_and_its_environment_lives_on() -> Result<()> {
    let (fleet, _folder) = fleet(1).await?;
    let failed = InvokeError::Failed(Bytes::from_static(br#"{"errorMessage":"as you wish"}"#));
    assert_eq!(invoke(&fleet, "\"fail\"").await, Err(failed));
    assert!(!invoke(&fleet, "1").await?.cold);
    assert_eq!(fleet.invoke("nobody", Bytes::new()).await, Err(InvokeError::Unknown("nobody".to_owned())));
    Ok(())
}

#[tokio::test]
async fn an_answer_to_another_invocation_is_refused() -> Result<()> {
    let (fleet, _folder) = fleet(1).await?;
    assert_eq!(invoke(&fleet, "\"answer another\"").await?.body, "400");
    Ok(())
}

#[tokio::test]
async fn an_environment_that_dies_fails_its_invocation_and_is_replaced() -> Result<()> {
    let (fleet, _folder) = fleet(1).await?;
    let died = invoke(&fleet, "\"die\"").await;
    assert_eq!(died, Err(InvokeError::Died("exit status: 3".to_owned())));
    let next = invoke(&fleet, "1").await?;
    assert!(next.cold);
    assert_eq!(fleet.environments().len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_environment_that_is_killed_while_idle_costs_no_invocation() -> Result<()> {
    let (fleet, _folder) = fleet(1).await?;
    let first = invoke(&fleet, "1").await?;
    assert!(fleet.signal(first.environment, Signal::SIGKILL));
    until(|| fleet.environments().is_empty()).await?;
    assert!(!fleet.signal(first.environment, Signal::SIGKILL), "there is nothing to kill any more");
    let second = invoke(&fleet, "2").await?;
    assert!(second.cold);
    assert_ne!(first.environment, second.environment);
    Ok(())
}

#[tokio::test]
async fn an_invocation_that_takes_too_long_is_killed_even_in_a_frozen_environment() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let limit = Duration::from_secs(2);
    let fleet = start(FunctionSettings { time_limit: limit, ..function(folder.path(), "well")? }).await?;
    assert_eq!(invoke(&fleet, "\"hang\"").await, Err(InvokeError::TimedOut(limit)));
    // On a busy machine the limit may also pass before a fresh process has read its event.
    let warm = loop {
        match invoke(&fleet, "1").await {
            Ok(answer) => break answer,
            Err(error) => ensure!(matches!(error, InvokeError::TimedOut(_)), "{error}"),
        }
    };
    until(|| fleet.environments().iter().all(|environment| !environment.busy)).await?;
    assert!(fleet.signal(warm.environment, Signal::SIGSTOP));
    // It may answer once more before the signal has reached all of it.
    let unanswered = loop {
        if let Err(error) = invoke(&fleet, "1").await {
            break error;
        }
    };
    assert_eq!(unanswered, InvokeError::TimedOut(limit));
    until(|| fleet.environments().is_empty()).await
}

#[tokio::test]
async fn a_function_that_cannot_start_says_why_and_is_not_started_for_ever() -> Result<()> {
    for (how, words) in [("crashes", "exit status: 7"), ("explains", r#"{"errorMessage":"no settings"}"#)] {
        let folder = tempfile::tempdir()?;
        let fleet = start(FunctionSettings { environments: 2, ..function(folder.path(), how)? }).await?;
        for _ in 0..2 {
            assert_eq!(invoke(&fleet, "1").await, Err(InvokeError::NotStarted(words.to_owned())));
        }
        until(|| fleet.environments().is_empty()).await?;
    }
    let scratch = tempfile::tempdir()?;
    let command = vec!["/nonexistent/function".to_owned()];
    let missing = start(FunctionSettings { command, ..function(scratch.path(), "")? }).await?;
    let error = invoke(&missing, "1").await;
    assert!(matches!(error, Err(InvokeError::NotStarted(_))), "{error:?}");
    Ok(())
}

/// The event of an invocation that ends once there is a file.
fn wait_for(gate: &Path) -> Bytes {
    serde_json::json!(format!("wait for {}", gate.display())).to_string().into()
}

#[tokio::test]
async fn an_environment_may_have_several_invocations_at_a_time_and_no_more() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fleet = start(FunctionSettings { at_a_time: 3, ..function(folder.path(), "well")? }).await?;
    let gate = folder.path().join("gate");
    let waiting: Vec<_> = (0..4).map(|_| begin(&fleet, wait_for(&gate))).collect();
    let has =
        |invocations| fleet.environments().iter().any(|environment| environment.invocations == invocations);
    until(|| has(3)).await?;
    std::fs::write(&gate, "")?;
    let mut cold = 0;
    for answer in waiting {
        let answer = answer.await??;
        assert_eq!(answer.environment, 1);
        cold += u32::from(answer.cold);
    }
    assert_eq!((cold, has(4)), (1, true));
    Ok(())
}

#[tokio::test]
async fn an_environment_that_dies_fails_all_that_it_had_under_way() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fleet = start(FunctionSettings { at_a_time: 3, ..function(folder.path(), "well")? }).await?;
    let waiting = [(); 2].map(|()| begin(&fleet, wait_for(&folder.path().join("never"))));
    until(|| fleet.environments().iter().any(|environment| environment.invocations == 2)).await?;
    let died = Err(InvokeError::Died("exit status: 3".to_owned()));
    assert_eq!(invoke(&fleet, "\"die\"").await, died);
    for answer in waiting {
        assert_eq!(answer.await?, died);
    }
    assert!(invoke(&fleet, "1").await?.cold);
    Ok(())
}

/// A fleet whose function has a program that may be missing or replaced; the script is what runs.
async fn built_while_it_runs(folder: &Path) -> Result<(Arc<Fleet>, PathBuf)> {
    let path = folder.join("program");
    let program = Some(path.clone());
    Ok((start(FunctionSettings { program, ..function(folder, "well")? }).await?, path))
}

/// As a build does: another file in the place of the old one.
fn build(program: &Path) -> Result<()> {
    let draft = program.with_extension("new");
    std::fs::write(&draft, "")?;
    Ok(std::fs::rename(draft, program)?)
}

#[tokio::test]
async fn a_function_that_is_not_built_says_so_until_it_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (fleet, program) = built_while_it_runs(folder.path()).await?;
    assert_eq!(invoke(&fleet, "1").await, Err(InvokeError::NotBuilt("function".to_owned())));
    assert!(fleet.environments().is_empty(), "nothing was started");
    build(&program)?;
    assert_eq!(invoke(&fleet, "1").await?.body, "1");
    // The moment in which a build has removed the old program and not yet put the new one there.
    std::fs::remove_file(&program)?;
    assert!(!invoke(&fleet, "2").await?.cold);
    Ok(())
}

#[tokio::test]
async fn the_next_invocation_after_a_build_goes_to_the_new_program_and_what_is_under_way_ends_in_the_old_one()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let (fleet, program) = built_while_it_runs(folder.path()).await?;
    build(&program)?;
    let first = invoke(&fleet, "1").await?;
    build(&program)?;
    let second = invoke(&fleet, "2").await?;
    assert!(second.cold, "an idle environment of the old program was used");
    assert_ne!(first.environment, second.environment);

    let gate = folder.path().join("gate");
    let event = wait_for(&gate);
    let under_way = begin(&fleet, event.clone());
    until(|| fleet.environments().iter().any(|environment| environment.invocations == 2)).await?;
    build(&program)?;
    let waiting = begin(&fleet, "3");
    std::fs::write(&gate, "")?;
    let (under_way, waiting) = (under_way.await??, waiting.await??);
    assert_eq!((under_way.environment, under_way.body), (second.environment, event));
    assert_ne!(waiting.environment, second.environment);
    until(|| fleet.environments().len() == 1).await
}

#[tokio::test]
async fn nothing_runs_after_the_end_and_what_was_under_way_fails() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fleet = start(FunctionSettings { environments: 2, ..function(folder.path(), "well")? }).await?;
    invoke(&fleet, "1").await?;
    let pids: Vec<_> = fleet.environments().iter().filter_map(|environment| environment.pid).collect();
    let function = Arc::clone(fleet.of.functions.get("function").context("the function")?);
    let under_way = tokio::spawn(async move { function.invoke(Bytes::from_static(b"\"hang\"")).await });
    let given = |environment: &Snapshot| environment.invocations == 2;
    until(|| fleet.environments().iter().any(given)).await?;
    Arc::into_inner(fleet).context("nobody else has it")?.end().await?;
    assert!(matches!(under_way.await?, Err(InvokeError::Died(_))));
    assert!(!pids.is_empty() && pids.into_iter().all(|pid| !is_alive(pid)));
    Ok(())
}

#[tokio::test]
async fn a_dropped_fleet_leaves_nothing_behind_not_even_a_frozen_environment() -> Result<()> {
    let (fleet, _folder) = fleet(1).await?;
    invoke(&fleet, "1").await?;
    let environment = fleet.environments().pop().context("an environment")?;
    let pid = environment.pid.context("a process")?;
    fleet.signal(environment.id, Signal::SIGSTOP);
    drop(fleet);
    until(|| !is_alive(pid)).await
}

#[tokio::test]
async fn an_invocation_that_nobody_waits_for_any_more_is_not_begun() -> Result<()> {
    let (fleet, folder) = fleet(1).await?;
    let first = begin(&fleet, "1");
    until(|| !fleet.environments().is_empty()).await?;
    let waiting = begin(&fleet, "\"die\"");
    waiting.abort();
    assert!(waiting.await.is_err_and(|error| error.is_cancelled()));
    first.await??;
    assert!(!invoke(&fleet, "2").await?.cold, "{}", folder.path().display());
    Ok(())
}

/// The handler answers although nothing that it needs is there: what is shown is that a runtime of AWS's own takes
/// events from here and brings answers back.
#[tokio::test]
async fn a_real_function_is_served() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let binary = std::env::current_exe()?.with_file_name("../get-product");
    ensure!(binary.is_file(), "{} is missing: cargo build --bins", binary.display());
    let command = vec![binary.display().to_string()];
    let function = FunctionSettings { command, ..function(folder.path(), "well")? };
    let functions = BTreeMap::from([("function".to_owned(), function)]);
    let variables = [
        ("DATABASE_URL", "postgres://nobody:nothing@127.0.0.1:9/nowhere"),
        ("REDIS_URL", "redis://127.0.0.1:9"),
        // RFC 8032's first test.
        ("TOKEN_PUBLIC_KEY", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
    ];
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let fleet = Fleet::start(Settings { functions, environment }).await?;
    let event = include_str!("../../../../events/get-product-bad-id.json");
    let answer: Value = serde_json::from_slice(&invoke(&fleet, event).await?.body)?;
    assert_eq!(answer["statusCode"], 400, "{answer}");
    let event = include_str!("../../../../events/get-product.json");
    let answer: Value = serde_json::from_slice(&invoke(&fleet, event).await?.body)?;
    assert_eq!(answer["statusCode"], 503, "{answer}");
    fleet.end().await
}

//! SQS, told by S3: puts the products of a file into the shop.
//!
//! A message only says which file to look at. How far it is stands in the database, and every batch moves that in the
//! statement that writes it: a message that comes twice, late or after a crash does no harm. Whoever runs out of time
//! sends the message anew, and the next invocation goes on.

mod batches;
mod event;
mod file;
mod import;

use std::time::Duration;

use serde_json::Value;
use shared::app::App;
use shared::aws::objects::Bucket;
use shared::aws::queue::Queue;
use shared::error::{Result, internal};
use shared::time_limit::TimeLimit;
use shared::{config, events};

use event::Told;
use import::{Import, Outcome};

/// Kept of the invocation for the batch that is under way, and for sending the message.
const RESERVE: Duration = Duration::from_secs(15);

/// How many invocations one file may take, each told by the one before. The largest file takes some dozen, and a day
/// without Redis some hundred: what takes more goes round in a circle, and somebody has to look at it.
const MOST_TURNS: u64 = 300;

/// When the next invocation looks whether Redis is back.
const LOOKS_AGAIN_AFTER: Duration = Duration::from_mins(4);

/// Where there is no deadline, as under cargo-lambda: the time-out in template.yaml less the reserve.
const CEILING: Duration = Duration::from_secs(300 - 15);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), events::Fatal> {
    let limit = |deadline| TimeLimit::of_long_invocation(deadline, CEILING, RESERVE);
    events::serve_within(limit, import_products).await
}

async fn import_products(app: App, event: Value, limit: TimeLimit) -> Result<Vec<Outcome>> {
    let bucket = Bucket::new(&config::required("IMPORTS_URL").map_err(internal)?)?;
    let mut outcomes = Vec::new();
    for file in event::files(&event)? {
        if file.turn > MOST_TURNS {
            return Err(internal(format!("{} took {MOST_TURNS} invocations and has not ended", file.key)));
        }
        let outcome = Import::new(&app, &bucket, limit).of(&file.key).await?;
        match outcome {
            Outcome::OutOfTime { .. } => go_on(&file, Duration::ZERO).await?,
            Outcome::Waiting { .. } => go_on(&file, LOOKS_AGAIN_AFTER).await?,
            Outcome::Finished(_) | Outcome::Overtaken { .. } | Outcome::Gone { .. } => {}
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

async fn go_on(file: &Told, after: Duration) -> Result<()> {
    let queue = Queue::new(config::required("IMPORTS_QUEUE_URL").map_err(internal)?)?;
    queue.send(file.next().to_string(), after).await.map_err(internal)
}

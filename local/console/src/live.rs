//! What every open page is told: how things stand each second, the lines of its requests, plots.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use futures::stream::unfold;
use serde_json::{Value, json};
use stats::chart::Band;
use stats::plots::plots;
use stats::{Moments, Sample, queue};
use time::OffsetDateTime;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use cloud::log::read_from;
use cloud::service::Service;

use crate::desk::Desk;
use crate::pulled::Outage;
use crate::{look, switches};

/// How often the log is read on. A person takes it for at once.
const READ: Duration = Duration::from_millis(100);
/// How often is looked how things stand.
const LOOK: Duration = Duration::from_secs(1);
/// How often the plots are drawn anew.
const DRAW: Duration = Duration::from_secs(3);
/// How far back they reach, in minutes.
const REACH: u16 = 15;
/// A page that is reloaded is back within this time; whoever closed it has gone.
const GONE_AFTER: Duration = Duration::from_secs(5);

/// `GET /live`: server-sent events, for as long as the page is open.
pub(crate) async fn live(State(desk): State<Desk>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let open = Open(Arc::clone(&desk));
    let events = unfold((desk.told.subscribe(), open), |(mut told, open)| async move {
        loop {
            match told.recv().await {
                Ok((name, data)) => {
                    return Some((Ok(Event::default().event(name).data(data)), (told, open)));
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// A page that is open. With the last one everything is put back.
struct Open(Desk);

impl Drop for Open {
    fn drop(&mut self) {
        let desk = Arc::clone(&self.0);
        tokio::spawn(async move {
            sleep(GONE_AFTER).await;
            if desk.told.receiver_count() == 0 {
                switches::all_back(&desk).await.ok();
            }
        });
    }
}

/// Begins to look and to tell. Nothing is looked at while no page is open; the log is read on, or a page would be told
/// what nobody waits for any more.
pub(crate) fn begin(desk: &Desk) {
    tokio::spawn(read(Arc::clone(desk)));
    let (seen, last) = watch::channel(Value::Null);
    tokio::spawn(look_on(Arc::clone(desk), seen));
    tokio::spawn(draw(Arc::clone(desk), last));
}

fn ticks(pause: Duration) -> Interval {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn read(desk: Desk) {
    let mut ticks = ticks(READ);
    loop {
        ticks.tick().await;
        let background = desk.told.receiver_count() > 0 && desk.visitors.numbers() == (0, 0);
        desk.lines.read(background, |event, line| desk.tell(event, line)).ok();
    }
}

async fn look_on(desk: Desk, seen: watch::Sender<Value>) {
    let mut ticks = ticks(LOOK);
    loop {
        ticks.tick().await;
        if desk.told.receiver_count() > 0 {
            let state = look::state(&desk).await;
            desk.tell("state", state.to_string());
            seen.send_replace(state);
        }
    }
}

/// Draws the plots again and again. The log is read on meanwhile, so that a page that is opened sees what was before.
async fn draw(desk: Desk, mut seen: watch::Receiver<Value>) {
    let Ok(sqs) = desk.cloud.sqs() else { return };
    let path = desk.cloud.folder.log(Service::Functions.name());
    let (mut position, mut moments, mut ticks) = (0, Moments::new(REACH), ticks(DRAW));
    loop {
        ticks.tick().await;
        let take = |line: &str| Sample::read(line).into_iter().for_each(|sample| moments.add(&sample));
        let Ok(read) = read_from(&path, position, take) else { continue };
        position = read;
        if seen.has_changed().unwrap_or_default() {
            let state = seen.borrow_and_update().clone();
            let queues = queue::all(&desk.cloud, &sqs).await;
            moments.note(OffsetDateTime::now_utc(), look::standing(&state, queues));
        }
        let now = OffsetDateTime::now_utc();
        moments.settle(now);
        if desk.told.receiver_count() > 0 {
            let figures = plots(&moments, now, |began, now| bands(&desk.pulled().outages, began, now));
            desk.tell("plots", json!({ "figures": figures }).to_string());
        }
    }
}

/// When something was away, as shares of the time shown.
fn bands(outages: &[Outage], began: OffsetDateTime, now: OffsetDateTime) -> Vec<Band> {
    let span = (now - began).as_seconds_f64().max(1.0);
    let share = |moment: OffsetDateTime| ((moment - began).as_seconds_f64() / span).clamp(0.0, 1.0);
    let band = |outage: &Outage| {
        let (from, to) = (share(outage.from), share(outage.to.unwrap_or(now)));
        (from < to).then(|| Band { name: outage.name.clone(), from, to })
    };
    outages.iter().filter_map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_away_is_a_band_of_the_time_shown() {
        let second = |second| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second);
        let outage =
            |from, to: Option<i64>| Outage { name: String::new(), from: second(from), to: to.map(second) };
        let shown = |from, to| {
            let bands = bands(&[outage(from, to)], second(100), second(200));
            bands.first().map(|band| (band.from, band.to))
        };
        assert_eq!(shown(125, Some(150)), Some((0.25, 0.5)));
        assert_eq!(shown(50, Some(150)), Some((0.0, 0.5)), "it began before");
        assert_eq!(shown(175, None), Some((0.75, 1.0)), "it lasts");
        assert_eq!(shown(50, Some(100)), None, "it was over before");
    }
}

//! Schedules: `rate(…)` expressions.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::event;
use super::invoke::{Answer, Invoker};
use crate::tell::Tell;
use crate::template::Schedule;

/// How often a `rate(1 minute)` fires. `None` for what is not a rate.
pub fn interval(expression: &str) -> Option<Duration> {
    let (count, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    let unit = match unit.trim_end_matches('s') {
        "minute" => Duration::from_mins(1),
        "hour" => Duration::from_hours(1),
        "day" => Duration::from_hours(24),
        _ => return None,
    };
    unit.checked_mul(count)
}

/// Fires for ever. The next time waits for nothing: like on AWS, a slow function may run twice at once.
pub async fn fire(invoker: Invoker, schedule: Schedule, interval: Duration, tell: Tell) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    // After the machine slept, one firing is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let (invoker, schedule) = (invoker.clone(), schedule.clone());
        tokio::spawn(async move {
            let event = || event::of_schedule(&schedule.function).to_string();
            let payload = schedule.input.clone().unwrap_or_else(event);
            match invoker.invoke(&schedule.function, payload).await {
                Ok(Answer::Returned(_)) => tell(format_args!("{}: done", schedule.function)),
                Ok(Answer::Failed(reason)) => tell(format_args!("{} failed: {reason}", schedule.function)),
                Err(error) => tell(format_args!("{} was not invoked: {error:#}", schedule.function)),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_rates_and_nothing_else() {
        assert_eq!(interval("rate(1 minute)"), Some(Duration::from_mins(1)));
        assert_eq!(interval("rate(12 hours)"), Some(Duration::from_hours(12)));
        for expression in ["rate(0 minutes)", "rate(1 fortnight)", "rate(x minutes)", "cron(0 4 * * ? *)", ""]
        {
            assert_eq!(interval(expression), None, "{expression}");
        }
    }
}

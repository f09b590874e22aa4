//! Tells what is going on: on a terminal a line that counts the seconds, elsewhere plain lines.

use std::fmt::{self, Display, Formatter};
use std::future::Future;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

/// Runs a step, and says how long it took if that is worth telling.
pub async fn step<T>(label: impl Display, work: impl Future<Output = Result<T>>) -> Result<T> {
    let terminal = stderr().is_terminal();
    let started = Instant::now();
    let mut work = std::pin::pin!(work);
    // Off a terminal the first word comes after two seconds, then every fifteen: enough to see that it lives.
    let (mut due, tick) = if terminal { (Duration::ZERO, 250) } else { (Duration::from_secs(2), 15_000) };
    loop {
        let wait = due.saturating_sub(started.elapsed());
        tokio::select! {
            result = &mut work => {
                let outcome = if result.is_ok() { "done" } else { "failed" };
                let clear = if terminal { "\r\x1b[2K" } else { "" };
                say(format_args!("{clear}  {label}: {outcome} ({})", elapsed(started)));
                return result;
            }
            () = tokio::time::sleep(wait) => {
                if terminal {
                    write!(stderr(), "\r\x1b[2K  {label} … {}", elapsed(started)).ok();
                    stderr().flush().ok();
                } else {
                    say(format_args!("  {label} … {}", elapsed(started)));
                }
                due += Duration::from_millis(tick);
            }
        }
    }
}

/// A step's label that also says how far the step is, as far as that is known.
pub struct Part {
    label: String,
    far: Mutex<String>,
}

impl Part {
    /// Nothing is known yet.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), far: Mutex::default() }
    }

    /// It is so far now; in words that can stand behind the label and a comma.
    pub fn is_at(&self, far: impl Into<String>) {
        *self.far.lock().unwrap_or_else(PoisonError::into_inner) = far.into();
    }
}

impl Display for Part {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let far = self.far.lock().unwrap_or_else(PoisonError::into_inner);
        let comma = if far.is_empty() { "" } else { ", " };
        write!(formatter, "{}{comma}{far}", self.label)
    }
}

/// A line of its own for the person who waits. Lost when nobody can read it any more: a closed terminal must not stop
/// the supervisor from ending its services.
pub fn say(line: impl Display) {
    writeln!(stderr(), "{line}").ok();
}

/// A line of what was asked for, or several, and whether anybody reads it. `| head` goes when it has seen enough, which
/// is nobody's fault: who has more to tell may stop, and who has something to end ends it all the same.
pub fn tell(lines: impl Display) -> bool {
    write_line(stdout(), lines)
}

fn write_line(mut to: impl Write, lines: impl Display) -> bool {
    writeln!(to, "{lines}").is_ok()
}

/// Time since an instant, as people say it.
pub fn elapsed(since: Instant) -> String {
    seconds(since.elapsed())
}

/// A duration, as people say it.
pub fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        total @ 10..60 => format!("{total} s"),
        total => format!("{} min {:02} s", total / 60, total % 60),
    }
}

/// Lays out rows under headings, columns as wide as they need.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or_default()
    };
    let line = |cells: [&str; N]| {
        let padded: Vec<_> =
            cells.iter().enumerate().map(|(i, cell)| format!("{cell:<0$}", width(i))).collect();
        format!("  {}\n", padded.join("  ").trim_end())
    };
    let body: String = rows.iter().map(|row| line(std::array::from_fn(|i| row[i].as_str()))).collect();
    line(headings) + &body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_tells_learns_that_nobody_reads_any_more() -> Result<()> {
        let (reader, mut writer) = std::io::pipe()?;
        assert!(write_line(&mut writer, "read"));
        drop(reader);
        assert!(!write_line(&mut writer, "not read"));
        Ok(())
    }

    #[test]
    fn it_says_durations_as_people_do() {
        assert_eq!(seconds(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(seconds(Duration::from_millis(12_345)), "12 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }

    #[test]
    fn it_lines_columns_up() {
        let text = table(["service", "state"], &[["a".to_owned(), "ready".to_owned()]]);
        assert_eq!(text, "  service  state\n  a        ready\n");
    }
}

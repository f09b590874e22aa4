//! The functions' log as the page wants it: the line of each of its own requests, and those of work that no request
//! waits for.
//!
//! A line may be written before or after its answer has reached the page, so each side waits for the other.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use serde_json::Value;

use cloud::log::read_from;

/// Lines and ids that wait for each other, at most: those that come later are those that matter.
const KEPT: usize = 500;

/// See the module.
pub(crate) struct Lines {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    position: u64,
    /// Requests of the page whose lines have not come yet.
    wanted: VecDeque<String>,
    /// Lines of requests that nobody has asked for yet.
    recent: VecDeque<(String, String)>,
}

impl Lines {
    /// Of a log, from its present end on.
    pub(crate) fn new(path: PathBuf) -> Self {
        let position = std::fs::metadata(&path).map_or(0, |log| log.len());
        Self { path, state: Mutex::new(State { position, ..State::default() }) }
    }

    /// The page has an answer with this id: `tell` gets its line, at once or when it comes.
    pub(crate) fn want(&self, id: &str, tell: impl FnOnce(String)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.recent.iter().position(|(other, _)| other == id) {
            Some(at) => {
                if let Some((_, line)) = state.recent.remove(at) {
                    tell(line);
                }
            }
            None => push(&mut state.wanted, id.to_owned()),
        }
    }

    /// Reads what is new: a wanted `line`, and `work` that no request waits for. `background` says whether that is told
    /// as well: under load there is too much of it to be looked at. That there was some is told once in any case, as
    /// `worked`: by it an order moves on that nobody touches.
    pub(crate) fn read(&self, background: bool, tell: impl Fn(&'static str, String)) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { position, wanted, recent } = &mut *state;
        let mut worked = false;
        *position = read_from(&self.path, *position, |line| {
            let Some((id, is_request, line)) = parse(line) else { return };
            if let Some(at) = wanted.iter().position(|other| *other == id) {
                wanted.remove(at);
                tell("line", line);
            } else if is_request {
                push(recent, (id, line));
            } else {
                worked = true;
                if background {
                    tell("work", line);
                }
            }
        })?;
        if worked {
            tell("worked", "null".to_owned());
        }
        Ok(())
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() == KEPT {
        queue.pop_front();
    }
    queue.push_back(item);
}

/// The id of a request's line, whether somebody waited for it, and the line.
fn parse(line: &str) -> Option<(String, bool, String)> {
    if !line.contains("\"_aws\"") {
        return None;
    }
    // Other programs' words can stand before it on the same line.
    let line = line.get(line.find('{')?..)?;
    let parsed: Value = serde_json::from_str(line).ok()?;
    let is_request =
        parsed["Route"].as_str()?.contains(" /") && !parsed["Route"].as_str()?.contains("/webhooks/");
    Some((parsed["request_id"].as_str()?.to_owned(), is_request, line.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn line(id: &str, route: &str) -> String {
        format!("{{\"request_id\":\"{id}\",\"Route\":\"{route}\",\"_aws\":{{}}}}\n")
    }

    #[test]
    fn a_line_reaches_the_page_whichever_of_line_and_answer_comes_first() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log");
        let (lines, told) = (Lines::new(path.clone()), RefCell::new(Vec::new()));
        let tell = |event: &'static str, line: String| told.borrow_mut().push((event, line));
        let tell_line = |line: String| tell("line", line);
        let (early, late, other) = (line("early", "GET /a"), line("late", "GET /a"), line("x", "GET /a"));
        let worker = line("w", "charge-worker");

        std::fs::write(&path, format!("{early}{other}not a line\n"))?;
        lines.read(true, tell)?;
        assert!(told.borrow().is_empty());
        lines.want("early", tell_line);
        lines.want("late", tell_line);
        std::fs::write(&path, format!("{early}{other}not a line\n{late}{worker}"))?;
        lines.read(true, tell)?;
        let null = "null".to_owned();
        let told_of = [("line", &early), ("line", &late), ("work", &worker), ("worked", &null)];
        assert_eq!(*told.borrow(), told_of.map(|(event, line)| (event, line.trim().to_owned())));

        told.borrow_mut().clear();
        std::fs::write(&path, format!("{early}{other}not a line\n{late}{worker}{worker}{worker}"))?;
        lines.read(false, tell)?;
        assert_eq!(*told.borrow(), [("worked", "null".to_owned())], "however much was done, under load");
        Ok(())
    }
}

//! What the local cloud's services have written.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::{Answer, eventually, folder};

/// The logs from a moment on.
pub struct Logs(Vec<(PathBuf, usize)>);

impl Logs {
    /// From now on.
    pub fn from_now() -> Self {
        let files = fs::read_dir(folder().join("logs")).expect("the cloud's logs");
        let files = files.map(|file| file.expect("a log").path());
        Self(files.map(|file| (file.clone(), fs::read(file).expect("a log").len())).collect())
    }

    /// A whole log.
    pub fn whole(name: &str) -> String {
        let bytes = fs::read(folder().join("logs").join(name)).expect("a log");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What each service has written since: its log's name, and the text.
    pub fn read(&self) -> Vec<(String, String)> {
        let read = |(file, from): &(PathBuf, usize)| {
            let bytes = fs::read(file).expect("a log");
            let text = String::from_utf8_lossy(bytes.get(*from..).unwrap_or_default()).into_owned();
            (file.file_name().expect("a name").to_string_lossy().into_owned(), text)
        };
        self.0.iter().map(read).collect()
    }

    /// The first line of JSON that the functions have written since and that is `right`.
    pub async fn line(&self, what: &str, right: impl Fn(&Value) -> bool) -> Value {
        eventually(what, async || {
            let logs = self.read();
            let (_, text) = logs.iter().find(|(name, _)| name == "functions.log")?;
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).find(|line| right(line))
        })
        .await
    }

    /// The line of the request that got this answer.
    pub async fn line_of(&self, answer: &Answer) -> Value {
        let id = answer.header("x-request-id");
        let right = |line: &Value| line["request_id"] == id && line["_aws"].is_object();
        self.line("the request's line", right).await
    }
}

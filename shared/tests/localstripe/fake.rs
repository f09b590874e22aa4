//! `localstripe` as a process: installed on first use, one for each test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use shared::payments::{Payments, Secret, Settings};

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/localstripe/requirements.txt");
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/localstripe/server.py");

/// A running fake, stopped when it is dropped.
pub(crate) struct Localstripe {
    process: Child,
    url: String,
}

impl Localstripe {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(installed().join("bin/python"))
            .arg(SERVER)
            .stdout(Stdio::piped())
            .spawn()
            .expect("localstripe starts");
        let stdout = process.stdout.take().expect("a pipe");
        let port = BufReader::new(stdout).lines().next().expect("its port").expect("its port");
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }

    pub(crate) fn client(&self) -> Payments {
        let settings = Settings { base_url: self.url.clone(), secret_key: Secret::new("sk_test_millrace") };
        Payments::new(&settings).expect("settings")
    }

    pub(crate) async fn send_webhooks_to(&self, url: &str, secret: &str) {
        let form = [("url", url), ("secret", secret), ("events[]", "payment_intent.succeeded")];
        let request = reqwest::Client::new().post(format!("{}/_config/webhooks/shop", self.url)).form(&form);
        let answer = request.send().await.expect("answered");
        assert!(answer.status().is_success(), "{answer:?}");
    }
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The virtual environment under `target/`, made by whichever test comes first.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("localstripe");
    let lock = File::create(folder.with_extension("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let done = folder.join("installed.txt");
    let wanted = std::fs::read(REQUIREMENTS).expect("requirements.txt");
    // Complete and of these versions, or made anew: an interrupted installation leaves no mark.
    if !std::fs::read(&done).is_ok_and(|have| have == wanted) {
        let _ = std::fs::remove_dir_all(&folder);
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", "--requirement", REQUIREMENTS]));
        std::fs::write(&done, wanted).expect("a mark");
    }
    folder
}

fn run(command: &mut Command) {
    let hint = "this test needs python3 with venv (Debian: apt install python3-venv) and PyPI";
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}; {hint}"));
    assert!(status.success(), "{command:?}: {status}; {hint}");
}

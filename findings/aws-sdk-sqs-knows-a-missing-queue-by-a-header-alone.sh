#!/usr/bin/env bash
# Expected: the client of SQS speaks JSON (`x-amz-json-1.0`), where an error's name stands in `__type`, so it knows
# `com.amazonaws.sqs#QueueDoesNotExist` for what it is: `is_queue_does_not_exist()`.
# Seen: it has the name (`code()` says it), but takes the error for an unknown one. It is known only where a header
# `x-amzn-query-error` gives the name of the XML protocol that JSON has taken the place of.
# Versions: crates.io aws-sdk-sqs 1.119.0, aws-smithy-http-client 1.5.2; rustc 1.95.0. Run on 2026-11-30.
# Concerns whoever tells a missing queue from other errors: AWS sends the header, not every server that stands in for it
# does, and what a test sees there is another branch. The name in `code()` is right in both cases but differs too.
set -euo pipefail
t=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$t"' EXIT
mkdir "$t/src"
cd "$t"
cat >server.py <<'PY'
from http.server import BaseHTTPRequestHandler, HTTPServer


class Missing(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}'
        self.send_response(400)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        if self.path.startswith("/header"):
            self.send_header("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Missing)
print(server.server_port, flush=True)
server.serve_forever()
PY
python3 server.py >port &
server=$!
until [ -s port ]; do sleep 0.1; done
cat >Cargo.toml <<'TOML'
[package]
name = "program"
version = "0.0.0"
edition = "2024"

[dependencies]
aws-sdk-sqs = { version = "=1.119.0", default-features = false, features = ["default-https-client", "rt-tokio"] }
tokio = { version = "=1.54.1", default-features = false, features = ["macros", "rt", "net", "time"] }
TOML
cat >src/main.rs <<'RUST'
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::error::ProvideErrorMetadata;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::args().nth(1).expect("a port");
    for path in ["json", "header"] {
        let address = format!("http://127.0.0.1:{port}/{path}");
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "here"))
            .endpoint_url(&address)
            .build();
        let sent = Client::from_conf(config).send_message().queue_url("q").message_body("m").send().await;
        let error = sent.expect_err("there is no such queue").into_service_error();
        println!("{path}: known {}, code {}", error.is_queue_does_not_exist(), error.code().unwrap_or("none"));
    }
}
RUST
CARGO_TARGET_DIR="$t/target" cargo build -q >log 2>&1 || { cat log >&2; exit 2; }
seen=$(target/debug/program "$(cat port)")
echo "$seen"
[ "$seen" = 'json: known false, code QueueDoesNotExist
header: known true, code AWS.SimpleQueueService.NonExistentQueue' ] || { echo "changed: what the error is known by"; exit 1; }

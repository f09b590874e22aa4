#!/usr/bin/env bash
# Expected: a function that keeps nothing takes as much memory after 20,000 invocations as after 2,000.
# Seen: it takes some 110 bytes more for each invocation, and more where trace ids are longer, as long as they differ,
# which they do on Lambda; with one trace id for all of them it takes no more. `lambda_runtime` sets the environment
# variable _X_AMZN_TRACE_ID for each invocation, and glibc keeps every value that a variable ever had.
# Versions: crate lambda_runtime 1.5.0, glibc 2.36, Rust 1.95. Run on 2026-11-30.
# Concerns environments that live long and serve much: a million requests are more than 100 MB.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "surprise"
version = "0.0.0"
edition = "2024"

[dependencies]
lambda_runtime = { version = "=1.5.0", default-features = false }
serde_json = "=1.0.145"
tokio = { version = "=1.49.0", features = ["macros", "rt"] }
TOML
cat >src/main.rs <<'RUST'
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

/// The heap's size in kB, and nothing else.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| {
        let maps = std::fs::read_to_string("/proc/self/smaps")?;
        let heap = maps.split("[heap]").nth(1).unwrap_or_default();
        let size = heap.lines().find(|line| line.starts_with("Rss:")).unwrap_or_default();
        Ok::<_, Error>(size.to_owned())
    }))
    .await
}
RUST
cat >invoke.py <<'PYTHON'
"""Plays the Runtime API: 20,000 invocations, whose trace ids differ or do not. How much the heap grew after 2,000."""
import http.server
import json
import os
import subprocess
import sys

MANY, WARM = 20_000, 2_000


def growth(differ):
    sizes = []

    class Api(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Each answer in one packet.
        wbufsize = -1

        def do_GET(self):
            number = len(sizes) if differ else 7
            self.send_response(200)
            self.send_header("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000")
            self.send_header("lambda-runtime-deadline-ms", "4000000000000")
            self.send_header("lambda-runtime-trace-id", f"Root=1-5759e988-{number:024x};Sampled=0")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            sizes.append(int(json.loads(body).split()[1]))
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()
            if len(sizes) == MANY:
                self.server.ended = True

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Api)
    server.ended = False
    environment = {
        **os.environ,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "surprise",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
    }
    function = subprocess.Popen([sys.argv[1]], env=environment, stderr=subprocess.DEVNULL)
    request, address = server.get_request()

    # One connection, until enough has been seen.
    class Until(Api):
        def handle(self):
            self.close_connection = False
            while not self.close_connection and not server.ended:
                self.handle_one_request()

    Until(request, address, server)
    function.kill()
    function.wait()
    return sizes[-1] - sizes[WARM]


same, differing = growth(False), growth(True)
print(f"one trace id: {same} kB more; differing ones: {differing} kB more, {differing * 1024 // (MANY - WARM)} bytes each")
sys.exit(0 if same < 100 and 1_500 < differing < 5_000 else 1)
PYTHON
cargo build --quiet --release 2>log || { cat log >&2; exit 2; }
python3 invoke.py target/release/surprise || { echo "It behaves otherwise now." >&2; exit 1; }
echo "lambda_runtime 1.5.0: memory grows by each trace id."

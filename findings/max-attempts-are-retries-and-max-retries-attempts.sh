#!/usr/bin/env bash
# Expected: a setting named max attempts counts calls, so that 3 makes three; one named max retries makes one more.
# Seen: cockatiel's maxAttempts: 3 makes four calls, and so does boto3's Config(retries={"max_attempts": 3}), while
# AWS_MAX_ATTEMPTS=3 makes three in the same boto3. Of task queues in Python, taskiq's max_retries=3 runs a task three
# times, dramatiq's four.
# Versions: npm cockatiel 3.2.1, PyPI boto3 1.44.8, taskiq 0.13.0, dramatiq 2.2.1. Run on 2026-11-29.
# Concerns whoever moves such a number from the environment into code, or from one queue to another: loads and waits
# grow by a call, or the last try is missing.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check boto3==1.44.8 taskiq==0.13.0 dramatiq==2.2.1
npm install --silent --no-audit --no-fund --prefix "$t" cockatiel@3.2.1 >/dev/null
cat >"$t/run.mjs" <<'J'
import { handleAll, retry } from 'cockatiel';
let made = 0;
await retry(handleAll, { maxAttempts: 3 }).execute(() => { made += 1; throw new Error('away'); }).catch(() => {});
console.log('cockatiel maxAttempts', made);
J
seen=$(
  timeout 60 node "$t/run.mjs"
  AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION=eu-central-1 \
    timeout 120 "$t/v/bin/python" 2>"$t/log" - <<'P'
import asyncio, boto3, botocore.config, dramatiq, http.server, os, taskiq, threading, time
from dramatiq.brokers.stub import StubBroker
made = 0

class Failing(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global made
        made += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(500)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
threading.Thread(target=server.serve_forever, daemon=True).start()

def requests(**more):
    global made
    made = 0
    client = boto3.session.Session().client("sqs", endpoint_url=f"http://127.0.0.1:{server.server_port}", **more)
    try: client.list_queues()
    except client.exceptions.ClientError: return made

print("boto3 max_attempts", requests(config=botocore.config.Config(retries={"max_attempts": 3})))
os.environ["AWS_MAX_ATTEMPTS"] = "3"
print("boto3 AWS_MAX_ATTEMPTS", requests())

async def runs_of_taskiq():
    runs = 0
    async def fail():
        nonlocal runs
        runs += 1
        raise OSError("away")
    broker = taskiq.InMemoryBroker().with_middlewares(taskiq.SimpleRetryMiddleware())
    await broker.register_task(fail, task_name="fail", retry_on_error=True, max_retries=3).kiq()
    await asyncio.sleep(2)
    return runs

print("taskiq max_retries", asyncio.run(runs_of_taskiq()))
broker, runs = StubBroker(), []

def fail():
    runs.append(1)
    raise OSError("away")

actor = dramatiq.actor(fail, broker=broker, max_retries=3, min_backoff=10, max_backoff=20)
worker = dramatiq.Worker(broker, worker_timeout=100)
worker.start()
actor.send()
time.sleep(5)
worker.stop()
print("dramatiq max_retries", len(runs))
P
)
echo "$seen"
[ "$seen" = "cockatiel maxAttempts 4
boto3 max_attempts 4
boto3 AWS_MAX_ATTEMPTS 3
taskiq max_retries 3
dramatiq max_retries 4" ] || { cat "$t/log"; echo "changed: three is counted otherwise"; exit 1; }

"""Events as the tools of SAM make them, kept in shared/tests/events, where a test reads them beside `lambda_http`.

`.dev/tools/policy/bin/python tests/policy/test_sam_events.py` writes them anew after an update of SAM.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import flask
import pytest
from samcli.local.apigw.event_constructor import construct_v2_event_http

KEPT = Path(__file__).resolve().parents[2] / "shared" / "tests" / "events"
EVENTS = ["sam-generate-event", "sam-local-start-api"]


def made(name):
    return generated_event() if name == "sam-generate-event" else event_of_the_local_gateway()


def generated_event():
    command = [Path(sys.executable).with_name("sam"), "local", "generate-event", "apigateway", "http-api-proxy"]
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    return json.loads(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)


def event_of_the_local_gateway():
    """A checkout as `sam local start-api` hands it to a function: with the headers' names as Flask writes them."""
    headers = {"Authorization": "Bearer a.b.c", "Idempotency-Key": '"k"', "Cookie": "a=1; b=2"}
    gateway = flask.Flask("gateway")
    with gateway.test_request_context("/api/checkout?a=1&a=2&q=oak+lamp", method="POST", json={"items": []}, headers=headers):
        event = construct_v2_event_http(
            flask.request, 3000, [], "$default", None, "POST /api/checkout", 0, "01/Jan/1970:00:00:00 +0000")
    event["requestContext"]["requestId"] = "00000000-0000-4000-8000-000000000000"
    return event


@pytest.mark.parametrize("name", EVENTS)
def test_the_kept_events_are_what_the_tools_make(name):
    assert json.loads((KEPT / f"{name}.json").read_text()) == made(name)


if __name__ == "__main__":
    for event in EVENTS:
        (KEPT / f"{event}.json").write_text(json.dumps(made(event), indent=2) + "\n")

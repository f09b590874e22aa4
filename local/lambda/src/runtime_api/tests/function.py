"""A function that does what its event says, written against the Runtime API's documentation alone."""

import http.client
import json
import os
import sys
import threading
import time
from urllib.parse import urlsplit

api = urlsplit(os.environ["AWS_LAMBDA_RUNTIME_API"])
mine = threading.local()


def call(method, path, body=None):
    if not hasattr(mine, "connection"):
        mine.connection = http.client.HTTPConnection(api.netloc)
    connection = mine.connection
    connection.request(method, f"{api.path}/2018-06-01/runtime/{path}", body)
    response = connection.getresponse()
    return response.status, response.headers, response.read()


how = sys.argv[1] if len(sys.argv) > 1 else "well"
if how == "crashes":
    sys.exit(7)
if how == "explains":
    call("POST", "init/error", b'{"errorMessage":"no settings"}')
    sys.exit(1)


def serve():
    while True:
        _, headers, event = call("GET", "invocation/next")
        request = headers["Lambda-Runtime-Aws-Request-Id"]
        wish = json.loads(event)
        if wish == "die":
            os._exit(3)
        if wish == "hang":
            time.sleep(600)
        if isinstance(wish, str) and wish.startswith("wait for "):
            while not os.path.exists(wish.removeprefix("wait for ")):
                time.sleep(0.01)
        if wish == "fail":
            call("POST", f"invocation/{request}/error", b'{"errorMessage":"as you wish"}')
            continue
        if wish == "answer another":
            status = call("POST", "invocation/00000000/response", b"wrong")[0]
            event = str(status).encode()
        if isinstance(wish, str) and wish.startswith("answer so many bytes: "):
            event = b"x" * int(wish.removeprefix("answer so many bytes: "))
        if wish == "tell":
            event = json.dumps({"headers": dict(headers), "now": time.time(), "environ": dict(os.environ)}).encode()
        print("invoked", request, flush=True)
        call("POST", f"invocation/{request}/response", event)


for _ in range(int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "1"))):
    threading.Thread(target=serve).start()

"""A local cloud, and everything that an attacker does to it."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
OWN = ".dev-hostile"
# Everybody's in the demo data.
PASSWORD = "follow-the-water"
GOOD_CARD = "pm_card_visa"
ASKS_FIRST = "pm_card_authenticationRequired"


@dataclass
class Answer:
    """What came back over HTTP."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        """The last word of a problem's type."""
        return self.json.get("type", "").rpartition(":")[2]


class Cloud:
    def __init__(self, own):
        self.own = own
        self.folder = OWN if own else os.environ.get("MILLRACE_DEV_DIR", ".dev")
        self.tokens = {}

    def __enter__(self):
        if self.own:
            self.dev("reset")
            self.dev("up", "--detach")
        lines = (ROOT / self.folder / "env").read_text().splitlines()
        self.env = dict(line.split("=", 1) for line in lines if "=" in line)
        return self

    def __exit__(self, *_):
        if self.own:
            self.dev("down")

    def dev(self, *words):
        """Runs ./dev for this cloud; what it printed."""
        # A breaker that probes after two seconds, so that what is waited for comes soon.
        settings = {"MILLRACE_DEV_DIR": self.folder, "MILLRACE_NO_RELOAD": "1", "BREAKER_OPEN_SECONDS": "2"}
        done = subprocess.run(
            ["./dev", *words],
            cwd=ROOT,
            env=os.environ | settings,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if words[0] != "up" else None,
        )
        if done.returncode:
            raise RuntimeError(f"./dev {' '.join(words)} failed: {done.stderr}")
        return done.stdout

    def calm(self):
        """No limits used up, no breaker open, no faults ordered: each attack begins afresh."""
        url = urlsplit(self.env["REDIS_URL"])
        with socket.create_connection((url.hostname, url.port), timeout=5) as redis:
            redis.sendall(b"FLUSHALL\r\n")
            redis.recv(64)
        self.provider("DELETE", "faults")

    # What a client does.

    def http(self, method, path, body=None, headers=(), token=None):
        """A request as it is written here: names of headers in this spelling, and one name as often as it is given."""
        body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        headers = list(headers)
        if token:
            headers.append(("authorization", f"Bearer {token}"))
        if body is not None and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("content-type", "application/json"))
        connection = http.client.HTTPConnection(urlsplit(self.env["API_URL"]).netloc, timeout=60)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in [*headers, ("content-length", str(len(body or b"")))]:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())

    def invoke(self, function, event):
        """Lambda's invoke API; what the function returned."""
        return self.http("POST", f"/2015-03-31/functions/{function}/invocations", event).json

    def call(self, function, route, path, body=None, headers=None, token=None, source="203.0.113.9", parameters=None):
        """An event of API Gateway, from this address, with names of headers as they are written here."""
        method = route.split()[0]
        headers = {"Content-Type": "application/json"} | (headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        path, _, query = path.partition("?")
        about = {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "shop.example.com",
            "domainPrefix": "shop",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": source,
                "userAgent": "hostile",
            },
            "requestId": uuid.uuid4().hex,
            "routeKey": route,
            "stage": "$default",
            "time": "28/Nov/2026:00:00:00 +0000",
            "timeEpoch": int(time.time() * 1000),
        }
        event = {
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "pathParameters": parameters or {},
            "requestContext": about,
            "isBase64Encoded": False,
        }
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        returned = self.invoke(function, event)
        text = (returned.get("body") or "").encode()
        names = {name.lower(): value for name, value in (returned.get("headers") or {}).items()}
        return Answer(returned.get("statusCode", 0), names, text)

    def log_in(self, email, password=PASSWORD, source="203.0.113.9"):
        return self.call(
            "login", "POST /api/auth/login", "/api/auth/login", {"email": email, "password": password}, source=source
        )

    def customer(self, number):
        """The token of a customer of the demo data; each attack takes others, who have no orders on their way."""
        if number not in self.tokens:
            source = f"10.0.{number // 250}.{number % 250 + 1}"
            self.tokens[number] = self.log_in(f"user-{number}@millrace.example", source=source).json["access_token"]
        return self.tokens[number]

    @property
    def administrator(self):
        return self.env["ADMIN_TOKEN"]

    def buy(self, token, product, card=GOOD_CARD, key=None, quantity=1, **more):
        body = {"items": [{"product_id": product, "quantity": quantity}], "payment_method": card} | more
        return self.checkout(token, body, key)

    def checkout(self, token, body, key=None):
        return self.http("POST", "/api/checkout", body, [("idempotency-key", key or str(uuid.uuid4()))], token)

    def order(self, token, order):
        return self.http("GET", f"/api/orders/{order}", token=token).json

    # What the world around does.

    def provider(self, method, path, body=None):
        """The payment provider's control."""
        connection = http.client.HTTPConnection(urlsplit(self.env["PAYMENTS_URL"]).netloc, timeout=30)
        connection.request(method, f"/_control/{path}", None if body is None else json.dumps(body))
        answer = connection.getresponse().read()
        try:
            return json.loads(answer)
        except ValueError:
            return None

    def fault(self, kind, operation=None, **more):
        self.provider("POST", "faults", {"kind": kind, "operation": operation} | more)

    def charges(self, order):
        charges = self.provider("GET", "ledger")["charges"]
        return [charge for charge in charges if charge["order_id"] == order and charge["status"] == "succeeded"]

    def event(self, event):
        """A webhook with a right signature."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        now, secret = int(time.time()), self.env["PAYMENTS_WEBHOOK_SECRET"].split(",")[0]
        signature = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        return self.http("POST", "/api/webhooks/payments", body, [("stripe-signature", f"t={now},v1={signature}")])

    def sql(self, text):
        """As the database's owner; the last line of what came back."""
        lines = self.dev("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", text).strip().splitlines()
        return lines[-1] if lines else ""

    def product(self, price=1250, currency="usd", name="A product of an attack", stock=1000, description="For trying."):
        """A new product; its id. The texts are ours and have no quotes."""
        # As the shop makes them: by their ids, lists know which product is the newest.
        drawn = (uuid.uuid4().int & ~(0xFFFF << 76)) & ((1 << 80) - 1)
        product = str(uuid.UUID(int=int(time.time() * 1000) << 80 | 7 << 76 | drawn))
        self.sql(
            f"insert into products (id, name, description, price, currency, featured)"
            f" values ('{product}', '{name}', '{description}', {price}, '{currency}', false);"
            f" insert into inventory (product_id, available) values ('{product}', {stock})"
        )
        return product

    def restart_pooler(self):
        """Sessions that are open keep the settings they began with."""
        self.dev("stop", "pgbouncer")
        self.start_pooler()

    def start_pooler(self):
        """After it was stopped. A connection that was used within a second is not asked whether it still is one: that
        costs a request a 503, rightly, and is not what is looked for here."""
        self.dev("start", "pgbouncer")
        time.sleep(1.1)

    def stock(self, product):
        return int(self.sql(f"select available from inventory where product_id = '{product}'"))

    def put(self, product, **change):
        """Changes a product as an administrator."""
        shown = self.http("GET", f"/api/products/{product}").json
        body = {name: shown[name] for name in ["name", "description", "price", "featured"]} | change
        return self.http("PUT", f"/api/products/{product}", body, token=self.administrator)

    def sweep(self):
        self.invoke("order-sweeper", {})

    def until(self, condition, seconds=20):
        """Waits for a condition, and returns what it came to in the end."""
        end = time.monotonic() + seconds
        while not (met := condition()) and time.monotonic() < end:
            time.sleep(0.1)
        return met

    # What the cloud wrote down.

    def log(self, service="functions"):
        return (ROOT / self.folder / f"logs/{service}.log").read_text(errors="replace")

    def lines(self, pairs=dict):
        """The functions' lines so far, as `pairs` makes them from their members."""
        for line in self.log().splitlines():
            if line.startswith("{"):
                try:
                    yield json.loads(line, object_pairs_hook=pairs)
                except ValueError:
                    pass  # The last one may be only half there.

    def lines_of(self, answer):
        """The lines of one request; its last is there a moment after its answer."""
        request = answer.headers["x-request-id"]
        ours = lambda: [line for line in self.lines() if line.get("request_id") == request]
        return self.until(lambda: (found := ours()) and any("_aws" in line for line in found) and found) or ours()


def encoded(text):
    """Forms in which a text can stand in a log unnoticed."""
    raw = text.encode()
    yield text
    yield raw.hex()
    # Whatever stands before it: base64 shifts by the position.
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 :].rstrip(b"=").decode()[:-1]

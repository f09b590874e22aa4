"""What the requests cannot know by themselves."""

import json
import os
import socket
from functools import cache
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import schemathesis

REDIS = urlsplit(os.environ["REDIS_URL"])
# The contract's examples, and what takes their place because the contract cannot know it.
EXAMPLE_ORDER = "01900000-0000-7000-a000-000000000001"
EXAMPLE_PRODUCT = "01900000-0000-7000-8000-000000000001"
SPARE_PRODUCT = "01900000-0000-7000-8000-00000000270e"
NOWHERE = "01900000-0000-7000-a000-ffffffffffff"
EXAMPLE_EMAIL = "ada@example.com"


@schemathesis.hook
def before_call(context, case, kwargs):
    forget_the_rate_limits()
    if case.path == "/api/orders/{id}/refund":
        # The provider knows no payment of the demo data: whatever is begun there would wait for an operator.
        case.path_parameters["id"] = NOWHERE
    elif case.path_parameters.get("id") == EXAMPLE_ORDER:
        case.path_parameters["id"] = own_order()
    if case.method == "DELETE" and case.path_parameters.get("id") == EXAMPLE_PRODUCT:
        # The first one is needed for all that comes after.
        case.path_parameters["id"] = SPARE_PRODUCT
    if case.path == "/api/auth/login" and isinstance(case.body, dict) and case.body.get("email") == EXAMPLE_EMAIL:
        case.body = {"email": os.environ["CUSTOMER_EMAIL"], "password": os.environ["CUSTOMER_PASSWORD"]}


def forget_the_rate_limits():
    """Without this nearly every answer would be a 429, which says nothing of the route."""
    with socket.create_connection((REDIS.hostname, REDIS.port), timeout=5) as redis:
        login = f"AUTH {REDIS.username or 'default'} {REDIS.password}\r\n" if REDIS.password else ""
        redis.sendall(f"{login}FLUSHALL\r\n".encode())
        redis.recv(64)


@cache
def own_order():
    """An order of the customer, so that there is one to look at and to cancel."""
    request = Request(f"{os.environ['API_URL']}/api/orders?limit=1")
    request.add_header("Authorization", f"Bearer {os.environ['CUSTOMER_TOKEN']}")
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)["orders"][0]["id"]

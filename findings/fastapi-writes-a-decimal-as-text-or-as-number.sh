#!/usr/bin/env bash
# Expected: FastAPI writes a Decimal in one way, as Pydantic does: "1.10", a text.
# Seen: a text where the answer's type is declared or the Decimal lies in a model, a float where it lies in a plain
# dict: {"total":1.1,"line":{"price":"1.10"}} in one answer, and 12345678901234567.89 loses its last digits.
# Versions: PyPI fastapi 0.165.0, pydantic 2.14.4, httpx 0.28.1. Run on 2026-11-29.
# Concerns whoever adds or takes away a return annotation: an amount changes its type for every client.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check fastapi==0.165.0 pydantic==2.14.4 httpx==0.28.1
seen=$(timeout 60 "$t/v/bin/python" - <<'P'
import asyncio, decimal, fastapi, httpx, pydantic
app = fastapi.FastAPI()
price = decimal.Decimal("1.10")

class Line(pydantic.BaseModel):
    price: decimal.Decimal

@app.get("/declared")
async def declared() -> dict[str, decimal.Decimal]: return {"total": price}

@app.get("/plain")
async def plain(): return {"total": price}

@app.get("/mixed")
async def mixed(): return {"total": price, "line": Line(price=price)}

@app.get("/long")
async def long(): return {"total": decimal.Decimal("12345678901234567.89")}

async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        for name in ["declared", "plain", "mixed", "long"]:
            print(name, (await client.get(f"/{name}")).text)

asyncio.run(main())
P
)
echo "$seen"
[ "$seen" = 'declared {"total":"1.10"}
plain {"total":1.1}
mixed {"total":1.1,"line":{"price":"1.10"}}
long {"total":1.2345678901234568e+16}' ] || { echo "changed: decimals are written otherwise"; exit 1; }

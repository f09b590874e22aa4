"""Does the console stay smooth beside a busy shop? By hand, because it measures:
`MINUTES=15 tests/console/run -k endurance -s`.

Prints a line each minute, and fails if the page was not told how things stand once a second, if the console took 5 % of
a processor or more, or if its memory, or the page's, went on growing. The customers are a thread of the console's
process: what that takes stands beside it and is not the console's; both together are the process.
"""

import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

MINUTES = int(os.environ.get("MINUTES", 0))
CUSTOMERS = 500
# From the second third of the time to the last: what is kept of the last fifteen minutes fills slowly.
GROWS_AT_MOST = 1.10


def server():
    """The process that serves the page."""
    port = f"{urlsplit(os.environ['CONSOLE_URL']).port:04X}"
    listening = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inode = next(row[9] for row in listening if row[1].endswith(f":{port}") and row[3] == "0A")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == f"socket:[{inode}]":
                return link.parent.parent
        except OSError:
            continue
    raise AssertionError(f"nobody listens on {port}")


def processor_seconds(process):
    """Of the console, and of its customers."""
    seconds = {True: 0.0, False: 0.0}
    for thread in (process / "task").iterdir():
        name, rest = (thread / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        seconds[name == "visitors"] += sum(map(int, rest.split()[11:13])) / os.sysconf("SC_CLK_TCK")
    return seconds[False], seconds[True]


def megabytes(process):
    pages = int((process / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not MINUTES, reason="it measures, and takes MINUTES")
def test_endurance_beside_five_hundred_customers(page):
    process, context = server(), page.context.new_cdp_session(page)
    expect(page.locator("dl.bars")).to_be_visible()
    page.evaluate(
        """() => {
            window.told = 0
            const drawn = document.querySelector("dl.bars").parentElement
            new MutationObserver(() => window.told++).observe(drawn, { childList: true })
        }"""
    )
    page.locator("#visitors").fill(str(CUSTOMERS))
    page.wait_for_timeout(10_000)
    rows = []
    print(f"\n{'minute':>6} {'told/s':>7} {'console cpu':>12} {'customers cpu':>14} {'process cpu':>12} {'console MB':>11} {'page MB':>8}")
    for minute in range(1, MINUTES + 1):
        began, told, used = time.monotonic(), page.evaluate("window.told"), processor_seconds(process)
        page.wait_for_timeout(60_000)
        span = time.monotonic() - began
        context.send("HeapProfiler.collectGarbage")
        heap = context.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        console, customers = ((after - before) / span for after, before in zip(processor_seconds(process), used))
        rows.append(((page.evaluate("window.told") - told) / span, console, megabytes(process), heap))
        print(f"{minute:>6} {rows[-1][0]:>7.2f} {console:>11.1%} {customers:>13.1%} {console + customers:>11.1%} {rows[-1][2]:>11.1f} {heap:>8.1f}", flush=True)
    third = max(1, len(rows) // 3)
    for column, name in ((2, "the console"), (3, "the page")):
        middle, last = (sum(row[column] for row in part) / third for part in (rows[-2 * third : -third] or rows, rows[-third:]))
        assert last <= middle * GROWS_AT_MOST, f"{name} grew from {middle:.1f} to {last:.1f} MB"
    assert min(row[0] for row in rows) > 0.95, "it was not told each second"
    assert max(row[1] for row in rows) < 0.05, "the console took more than 5 % of a processor"

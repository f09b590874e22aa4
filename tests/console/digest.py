"""What the page is made of, as one number. It stands beside the page's picture, which so cannot grow old unnoticed."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs/console.png"
NOTED = ROOT / "docs/console.png.sha256"


# `chart.css` and what plots look like.
DRAWN = [ROOT / "local/stats/src" / name for name in ("chart.rs", "plots.rs")]


def of_the_page():
    digest = hashlib.sha256()
    for file in sorted((ROOT / "local/console/page").iterdir()) + DRAWN:
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()

"""The map at the head of a file names every module that the file has: a room that no map shows is not found."""

import re
import subprocess

from templates import ROOT

MAP = re.compile(r"^//! \| (module|file) \|", re.M)
MODULE = re.compile(r"^((?:#\[.*\]\n)*)(?:pub(?:\([^)]*\))? )?mod (\w+);", re.M)


def unnamed(text):
    """The modules that a map does not name, by their own name or by that of their type. Unit tests need no mention."""
    named = set(re.findall(r"\w+", "\n".join(re.findall(r"^//! \|([^|]*)\|", text, re.M)).lower()))
    return [name for attributes, name in MODULE.findall(text) if "cfg(test)" not in attributes and name not in named]


def test_maps_name_every_module():
    files = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    texts = {name: (ROOT / name).read_text() for name in files.split() if (ROOT / name).exists()}
    maps = {name: text for name, text in texts.items() if MAP.search(text)}
    assert len(maps) > 10
    missing = [f"{name}: {module}" for name, text in maps.items() for module in unnamed(text)]
    assert not missing, "\n".join(missing)

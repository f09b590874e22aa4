"""Rust files import each other in one direction, without a circle; and of the workspace's crates, which Cargo keeps out
of circles, each sees those alone that it is meant to see.

An arrow leads from a file to each file whose items it names: by `use`, or by a path in its code. A name that a file
only passes on (`pub use child::Name`, and no other word of it) counts for the file that defines it. Tests count like
all other code. Needs no more than Python and Cargo: `python3 tests/policy/test_imports.py`.
"""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MODULE = re.compile(r"^\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;", re.M)
USE = re.compile(r"^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", re.M)
# Which others each crate may name: docs/ARCHITECTURE.md draws it. One that is not here names none.
SEES = {
    "provider": {"shared"},
    # The HTTP client of AWS's clients, and nothing of the shop.
    "lambda": {"shared"},
    "cloud": {"lambda", "shared"},
    "stats": {"cloud", "shared"},
    "customers": {"cloud", "lambda", "shared"},
    "chaos": {"cloud", "lambda", "provider", "shared"},
    "measure": {"customers", "stats", "cloud", "lambda", "provider", "shared"},
    "console": {"customers", "stats", "cloud", "lambda", "provider", "shared"},
    "dev": {"chaos", "measure", "console", "stats", "cloud", "lambda", "provider", "shared", "features"},
    "tests": {"cloud", "lambda", "provider", "shared"},
}
PATH = re.compile(r"(?<![\w:.$])((?:crate|super|self|\w+)(?:::\w+)+)")


class Crate:
    """The files of a crate, by their module path: `()` is its root."""

    def __init__(self, root):
        self.files, self.modules, self.texts = {}, {}, {}
        self.read((), root)

    def read(self, module, file):
        text = without_comments(file.read_text())
        self.files[module], self.texts[module] = file, text
        self.modules[module] = children = MODULE.findall(text)
        folder = file.parent if file.name in ("mod.rs", "lib.rs", "main.rs") or not module else file.parent / file.stem
        for child in children:
            choices = [folder / f"{child}.rs", folder / child / "mod.rs"]
            found = [choice for choice in choices if choice.exists()]
            if found:
                self.read((*module, child), found[0])

    @cache
    def passed_on(self, module):
        """Names that a module has from elsewhere, with the paths to where they are from."""
        paths = [path for _, tree in USE.findall(self.texts[module]) for path in leaves(tree)]
        return {alias: path for path, alias in paths}

    def target(self, module, path, seen=()):
        """The module that defines what a path leads to, as seen from a module of this crate; `None` if none of ours."""
        steps, at = list(path), module
        if steps[0] == "crate":
            at = ()
        elif steps[0] == "super":
            while len(steps) > 1 and steps[1] == "super":
                at, steps = at[:-1], steps[1:]
            at = at[:-1]
        elif steps[0] != "self":
            if (*at, steps[0]) not in self.files:
                return None
            steps = ["self", *steps]
        for step in steps[1:]:
            if (*at, step) in self.files:
                at = (*at, step)
                continue
            onward = self.passed_on(at).get(step)
            if onward and (at, step) not in seen and onward != (step,):
                return self.target(at, onward, (*seen, (at, step))) or at
            return at
        return at

    def arrows(self):
        for module, text in self.texts.items():
            code = MODULE.sub("", USE.sub("", text))
            used = [path for public, tree in USE.findall(text) for path, alias in leaves(tree)
                    if not public or re.search(rf"\b{alias}\b", code)]
            named = [tuple(path.split("::")) for path in PATH.findall(code)]
            for path in (*used, *named):
                target = self.target(module, path)
                if target is not None and target != module:
                    yield self.files[module], self.files[target]


def without_comments(text):
    """The code alone: no comments, no strings. A module inside a file (its tests) sees one level less."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r'r#+".*?"#+|"(?:\\.|[^"\\])*"', '""', text, flags=re.S)
    head, *inner = re.split(r"^(?:pub(?:\([^)]*\))? )?mod \w+ \{\n", text, flags=re.M)
    nearer = lambda found: found[1] or "self::"
    return head + "".join(re.sub(r"\bsuper::(super::)?", nearer, part) for part in inner)


def leaves(tree, before=()):
    """`a::{b, c as d}` → (a, b) as b and (a, c) as d."""
    tree = " ".join(tree.split())
    head, brace, rest = tree.partition("{")
    if brace:
        before = (*before, *[step for step in head.split("::") if step.strip()])
        depth, part = 0, ""
        for letter in rest[:rest.rindex("}")] + ",":
            depth += (letter == "{") - (letter == "}")
            if letter == "," and not depth:
                if part.strip():
                    yield from leaves(part.strip(), before)
                part = ""
            else:
                part += letter
        return
    path, _, alias = tree.partition(" as ")
    steps = (*before, *path.split("::"))
    if steps[-1] == "self" and len(steps) > 1:
        steps = steps[:-1]
    yield tuple(step.strip() for step in steps if step != "*"), alias or steps[-1]


def metadata():
    command = ["cargo", "metadata", "--no-deps", "--format-version=1", "--offline"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)["packages"]


def circles(arrows):
    """Groups of nodes that lead to each other (Tarjan)."""
    graph = {}
    for start, end in arrows:
        graph.setdefault(start, set()).add(end)
        graph.setdefault(end, set())
    index, low, stack, groups = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            groups.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return [group for group in groups if len(group) > 1]


def test_no_files_import_each_other_in_a_circle():
    roots = {target["src_path"] for package in metadata() for target in package["targets"]}
    found = [group for root in sorted(roots) for group in circles(Crate(ROOT / root).arrows())]
    assert not found, "\n".join(", ".join(str(file.relative_to(ROOT)) for file in group) for group in found)


def test_crates_see_those_alone_that_they_are_meant_to_see():
    """`chaos` and `measure` not each other; `lambda` only `shared`, and that nothing of `local/`. For tests too."""
    crates = metadata()
    functions = {crate["name"]: {"shared"} for crate in crates if "functions" in Path(crate["manifest_path"]).parts}
    found = [f"{crate['name']} names {other['name']}" for crate in crates for other in crate["dependencies"]
             if other.get("path") and other["name"] not in {crate["name"], *(SEES | functions).get(crate["name"], ())}]
    assert len(functions) > 20 and SEES.keys() < {crate["name"] for crate in crates}
    assert not found, "\n".join(found)


def test_imports_are_one_line_a_module():
    """Not one tree for several: smaller differences, and fewer lines."""
    roots = {target["src_path"] for package in metadata() for target in package["targets"]}
    crates = [Crate(ROOT / root) for root in roots]
    found = {f"{crate.files[module].relative_to(ROOT)}: {' '.join(tree.split())}"
             for crate in crates for module, text in crate.texts.items()
             for _, tree in USE.findall(text) if re.search(r"\{.*(::|\{)", tree, re.S)}
    assert not found, "\n".join(sorted(found))


if __name__ == "__main__":
    test_no_files_import_each_other_in_a_circle()
    test_crates_see_those_alone_that_they_are_meant_to_see()

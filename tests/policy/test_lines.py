"""No line of prose or comment is longer than 120 characters, so that it can be read beside another file; a heading
stands alone, between blank lines; and a table keeps its rows.

Code has its formatter, which breaks what can be broken; YAML and TOML hold texts and tables that stand on one line.
"""

import ast
import re
import subprocess

from templates import ROOT

LONGEST = 120
COMMENT = {"rs": "//", "mjs": ("//", "/*", "*"), "sql": "--", "lua": "--",
           **dict.fromkeys(("py", "sh", "toml", "yaml", "yml", "txt", ""), "#")}
# A table's row cannot be broken, nor can a line of an index, an address, or a literal without a space.
UNBREAKABLE = re.compile(r"^\s*(//[/!]\s*)?\||^- \[[^\]]+\]\(\S+\)$|^\S*$|https?://\S{40}")


def kind(path):
    """A file's ending, without its dot. A script of Python has none, and says in its first line what it is."""
    if path.suffix:
        return path.suffix[1:]
    return "py" if "python" in path.read_text().partition("\n")[0] else ""


def docstrings(text):
    """The numbers of the lines of Python that are documentation."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, documented) and ast.get_docstring(node)]
    return {number for node in nodes for number in range(node.body[0].lineno, node.body[0].end_lineno + 1)}


def prose(path):
    """The lines of a file that are sentences: (number, line)."""
    quoted, text = False, path.read_text()
    documentation = docstrings(text) if kind(path) == "py" else ()
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix == ".md":
            if line.lstrip().startswith("```"):
                quoted = not quoted
            # What is shown stands within a fence, or is indented as commands are in the docs.
            if not quoted and not line.startswith("    "):
                yield number, line
        elif number in documentation or line.lstrip().startswith(COMMENT[kind(path)]):
            yield number, line


def too_long(path):
    """The lines of a file that are longer than they need be: (number, length)."""
    for number, line in prose(path):
        if len(line) > LONGEST and not UNBREAKABLE.search(line):
            yield number, len(line)


def of_kinds(*endings):
    """The repository's files that end so."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    # Migrations are frozen.
    ours = [ROOT / name for name in files if "migrations/" not in name]
    return [path for path in ours if path.exists() and kind(path) in endings]


def crowded(path):
    """The headings of a document that have no blank line before or behind them: (number, heading)."""
    lines = dict(prose(path))
    for number, line in lines.items():
        if re.match("#+ ", line) and (lines.get(number - 1) or lines.get(number + 1)):
            yield number, line


def reflowed(path):
    """The lines of a document in which a table's rows follow one another, as if it were a paragraph: (number, line)."""
    for number, line in prose(path):
        if re.search(r"\| \|-{3}|-{3}\| \|", line):
            yield number, line


def test_lines_are_at_most_120_characters_long():
    ours = of_kinds(*COMMENT, "md")
    assert len(ours) > 400
    long = [f"{path.relative_to(ROOT)}:{number}: {length}" for path in ours for number, length in too_long(path)]
    assert not long, "\n".join(long)


def test_headings_stand_between_blank_lines():
    ours = of_kinds("md")
    assert len(ours) > 20
    found = [f"{path.relative_to(ROOT)}:{number}: {line}" for path in ours for number, line in crowded(path)]
    assert not found, "\n".join(found)


def test_no_table_was_made_a_paragraph():
    ours = of_kinds("md")
    assert len(ours) > 20
    found = [f"{path.relative_to(ROOT)}:{number}: {line}" for path in ours for number, line in reflowed(path)]
    assert not found, "\n".join(found)

"""Every promise of docs/promises.md stands in its document, and the tests that hold it are there."""

import re

import pytest
from templates import ROOT

PAGE = (ROOT / "docs/promises.md").read_text()
STEPS = "".join(path.read_text() for path in (ROOT / "local/dev/src/gate").glob("*.rs"))


def promises():
    """Every row: the document, its words, and what holds it."""
    for section in PAGE.split("\n## ")[1:]:
        document, _, rows = section.partition("\n")
        for words, held in re.findall(r"^\| (.+?) \| (`.+`) \|$", rows, re.MULTILINE):
            yield document.strip(), words, re.findall(r"`([^`]+)`", held)


PROMISES = list(promises())


def plain(text):
    """Without line breaks, and without what makes letters bold."""
    return re.sub(r"\s+", " ", text.replace("**", ""))


def is_there(test):
    if test.startswith("gate: "):
        return f'name: "{test.removeprefix("gate: ")}"' in STEPS
    path, _, name = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    if path.endswith(".py"):
        found = re.search(rf"^((?:@.*\n)*)def {name}\(", file.read_text(), re.MULTILINE)
        return found is not None and "skip" not in found[1]
    # Between a test's mark and its name may stand what is expected of it and what clippy is told. One that is ignored
    # holds nothing.
    mark = r"^ *#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[(?!ignore)(?:[^\[\]]|\[[^\]]*\])*\]\s*)*"
    return re.search(rf"{mark}(?:async )?fn {name}\(", file.read_text(), re.MULTILINE) is not None


def test_every_row_is_read():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| promise |")]
    assert len(PROMISES) == len(rows) > 100


# They teach, decide, list or report, and promise nothing to who uses or runs the shop.
PROMISES_NOTHING = {"ARCHITECTURE.md", "adding-an-endpoint.md", "decisions.md", "promises.md", "style.md"}


def test_every_page_that_promises_has_a_section():
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md") if path.name not in PROMISES_NOTHING}
    assert pages | {"README.md", "SECURITY.md"} <= {document for document, _, _ in PROMISES}


@pytest.mark.parametrize(("document", "words"), [promise[:2] for promise in PROMISES])
def test_the_words_of_a_promise_stand_in_its_document(document, words):
    pattern = ".{1,400}?".join(re.escape(plain(part)) for part in words.split(" … "))
    assert re.search(pattern, plain((ROOT / document).read_text())), words


@pytest.mark.parametrize("test", sorted({test for _, _, tests in PROMISES for test in tests}))
def test_what_holds_a_promise_is_there(test):
    assert is_there(test), f"{test} is gone: another test has to hold its promises, or docs/promises.md takes them back"

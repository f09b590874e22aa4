"""docs/settings.md lists every environment variable that the code reads, with its default, and no others."""

import re

from templates import ROOT, source

DOCUMENT = (ROOT / "docs/settings.md").read_text()
NAME = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
# The rows of all tables: name and default.
ROWS = dict(re.findall(rf"^\| `({NAME})` \| ([^|]+?) \|", DOCUMENT, re.MULTILINE))
# Named in the paragraph on .dev/env, which is read by people.
FOR_PEOPLE = set(re.findall(rf"`({NAME})`", DOCUMENT.rpartition("In `.dev/env`")[2]))
# What cargo tells the code that it compiles.
OF_CARGO = re.compile(r"CARGO_(MANIFEST|PKG|TARGET_TMP|TERM|BIN)")


def code(*folders):
    """The Rust of these folders without its unit tests, as text."""
    files = [path for folder in folders for path in ROOT.glob(f"{folder}/**/*.rs") if path.name != "tests.rs"]
    return "\n".join(path.read_text().partition("\n#[cfg(test)]\nmod tests {")[0] for path in files)


FUNCTIONS = code("shared/src", "functions/*/src")


def named(text):
    """Every text of the shape of a variable's name."""
    return {name for name in re.findall(rf'"({NAME})"', text) if not OF_CARGO.match(name)}


def secrets():
    """What may stand in Secrets Manager instead, as the document says."""
    return set(re.findall(rf"^\| `({NAME})` .*; a secret \|$", DOCUMENT, re.MULTILINE))


def test_every_name_in_the_code_of_functions_has_a_row():
    assert len(named(FUNCTIONS)) > 25
    assert named(FUNCTIONS) - set(ROWS) - {f"{name}_ARN" for name in secrets()} == set()


def test_every_row_is_read_somewhere():
    everything = FUNCTIONS + code("local/*/src", "tests/src", "shared/tests", "tests/tests")
    assert set(ROWS) - named(everything) == set()


def test_every_setting_of_the_local_cloud_has_a_row():
    local = code("local/*/src")
    assert {name for name in named(local) if name.startswith("MILLRACE_")} <= set(ROWS)
    written = named((ROOT / "local/cloud/src/environment.rs").read_text())
    assert written <= set(ROWS) | FOR_PEOPLE
    assert FOR_PEOPLE <= written


def test_a_number_has_the_default_of_the_code():
    constants = dict(re.findall(rf'const (\w+): &str = "({NAME})";', FUNCTIONS))
    # What other crates have to know is a constant, by its field.
    usual = dict(re.findall(r"(\w+): ([\d_]+)", re.search(r"USUAL: Self = Self \{(.*?)\}", FUNCTIONS)[1]))
    written = re.findall(r'(?:number|at_least_one)\("?([A-Z_]+)"?, (?:\w+::USUAL\.)?(\w+)\)', FUNCTIONS)
    defaults = [(name, usual.get(default, default)) for name, default in written]
    assert len(defaults) >= 8
    for name, default in defaults:
        assert ROWS[constants.get(name, name)] == default.replace("_", "")


def test_a_switch_is_off_by_default():
    switches = re.findall(r'(?:flag|enabled)\("([A-Z_]+)"\)', FUNCTIONS)
    assert len(switches) >= 4
    assert {ROWS[name] for name in switches} == {"`false`"}


def test_the_template_sets_nothing_that_is_not_read():
    template = source("template")
    environments = [template["Globals"]["Function"], *(each["Properties"] for each in template["Resources"].values())]
    for properties in environments:
        for name in properties.get("Environment", {}).get("Variables", {}) if isinstance(properties, dict) else ():
            assert name in ROWS or name.removesuffix("_ARN") in secrets(), name

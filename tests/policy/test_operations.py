"""docs/operations.md explains everything that the templates make people meet."""

import re

import pytest
from templates import ROOT, resources, source
from test_access import with_setting

OPERATIONS = (ROOT / "docs/operations.md").read_text()


def anchor(heading):
    """The name under which a heading can be linked to, as on GitHub."""
    return re.sub(r"[^a-z0-9 -]", "", heading.strip().lower()).replace(" ", "-")


ANCHORS = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", OPERATIONS, re.MULTILINE)}


def test_every_alarm_names_a_section_that_exists():
    for _, name, resource in resources(kind="AWS::CloudWatch::Alarm"):
        document, _, section = resource["Properties"]["AlarmDescription"].rpartition(" ")[2].partition("#")
        assert document == "docs/operations.md" and section in ANCHORS, (name, section)


@pytest.mark.parametrize("name", source("template")["Parameters"])
def test_every_parameter_is_explained_twice(name):
    description = source("template")["Parameters"][name]["Description"]
    assert len(description.split()) >= 8, description
    assert f"`{name}`" in OPERATIONS


def test_every_output_is_explained():
    for output in source("template")["Outputs"]:
        assert f"`{output}`" in OPERATIONS, output


@pytest.mark.parametrize(
    ("secret", "setting"),
    [
        ("payment key", "PAYMENTS_KEY_ARN"),
        ("webhook secret", "PAYMENTS_WEBHOOK_SECRET_ARN"),
        ("signing key of access tokens", "TOKEN_PRIVATE_KEY_ARN"),
    ],
)
def test_who_reads_a_secret_is_who_its_row_says(secret, setting):
    readers = re.search(rf"^\| {secret} \| (.*?) \|", OPERATIONS, re.MULTILINE)[1]
    template = source("template")["Resources"]
    functions = {template[name]["Properties"]["CodeUri"].strip("/").rpartition("/")[2] for name in with_setting(setting)}
    assert set(re.findall(r"`([a-z-]+)`", readers)) == functions

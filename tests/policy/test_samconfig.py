"""samconfig.toml, and what the docs say to write into it: SAM takes it, and it is what somebody means."""

import re

import pytest
from samcli.cli.types import CfnParameterOverridesType
from templates import ENVIRONMENTS, PRODUCTION, ROOT, overrides, refused, source

PARAMETERS = source("template")["Parameters"]


def test_each_size_has_an_environment_and_a_stack_of_its_own():
    # Whoever deploys with options on the command line deploys another size the next time.
    sizes = [overrides(environment)["Size"] for environment in ENVIRONMENTS]
    assert sorted(sizes) == sorted(PARAMETERS["Size"]["AllowedValues"])
    stacks = [environment["deploy"]["parameters"]["stack_name"] for environment in ENVIRONMENTS.values()]
    assert len(set(stacks)) == len(stacks)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_differs_from_the_others_in_its_stack_and_its_parameters_alone(environment):
    def rest(name):
        sections = {section: dict(ENVIRONMENTS[name][section]["parameters"]) for section in ["global", "build", "deploy"]}
        del sections["deploy"]["stack_name"], sections["deploy"]["parameter_overrides"]
        return sections

    assert rest(environment) == rest("default")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_not_refused_and_says_how_versions_take_over(environment):
    given = overrides(environment)
    # The one thing that nobody else knows.
    given |= {"AlarmEmail": PRODUCTION["AlarmEmail"]}
    assert refused(given) == []
    # A value that is taken out of the list stays: so there is one to write in its place, and back.
    assert given["DeploymentType"] in PARAMETERS["DeploymentType"]["AllowedValues"]
    assert given["DeploymentType"] != "Unwatched"


def shown():
    """Every `"Name=value"` of the docs that is meant for the list: (document, text)."""
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "samconfig.toml"]:
        # Filters of the AWS CLI look alike, and have a second name.
        for text in re.findall(r'"([A-Z][A-Za-z]+=[^"\n=]*)"', path.read_text()):
            yield path.name, text


def test_what_the_docs_write_into_the_list_is_taken_by_sam():
    found = sorted(set(shown()))
    assert len(found) > 15
    for document, text in found:
        name, _, value = text.partition("=")
        # SAM refuses `Name=`, and says nothing of a parameter that is left out.
        taken = CfnParameterOverridesType().convert((text,), None, None)
        assert taken == {name: value.strip("'")}, (document, text)
        assert name in PARAMETERS or name == "Name", (document, text)

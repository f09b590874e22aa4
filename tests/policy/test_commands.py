"""The commands of the docs have the options that the AWS CLI makes of AWS's own description of its services."""

import re

import botocore.session
import pytest
from botocore import xform_name
from templates import ROOT

SESSION = botocore.session.get_session()
# Options of every command, and what the AWS CLI calls otherwise than the service does.
GLOBAL = {"query", "output", "region", "cli-binary-format"}
RENAMED = {("sns", "subscribe"): {"endpoint": "notification-endpoint"}}
# What is the AWS CLI's own, and no operation of a service.
OWN = {
    ("rds", "generate-db-auth-token"): {"hostname", "port", "username"},
    ("s3", "cp"): set(),
    ("s3", "rb"): {"force"},
    ("logs", "tail"): {"follow"},
}


def commands():
    """Every command of the docs: (document, text)."""
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        text = path.read_text().replace("\\\n", " ")
        for command in re.findall(r"(?<![\w/.-])aws ([a-z0-9-]+ [a-z][a-z-]+ [^\n`;|]+)", text):
            yield path.name, command


COMMANDS = sorted(set(commands()))


def options(service, operation):
    """What an operation takes and what it needs."""
    if (service, operation) in OWN:
        return OWN[service, operation], OWN[service, operation]
    model = SESSION.get_service_model(service)
    [name] = [name for name in model.operation_names if xform_name(name, "-") == operation]
    shape = model.operation_model(name).input_shape
    renamed = RENAMED.get((service, operation), {})
    called = {name: renamed.get(xform_name(name, "-"), xform_name(name, "-")) for name in shape.members}
    switches = {f"no-{called[name]}" for name, member in shape.members.items() if member.type_name == "boolean"}
    return {*called.values(), *switches}, {called[name] for name in shape.required_members}


def waited_for(service, waiter):
    """The operation that `aws SERVICE wait WAITER` repeats."""
    model = SESSION.get_waiter_model(service)
    [name] = [name for name in model.waiter_names if xform_name(name, "-") == waiter]
    return xform_name(model.get_waiter(name).operation, "-")


def test_the_docs_have_commands():
    assert len(COMMANDS) > 30


@pytest.mark.parametrize(("document", "command"), COMMANDS)
def test_a_command_has_the_options_that_it_needs_and_no_unknown_ones(document, command):
    service, operation, first, *_ = command.split()
    if operation == "wait":
        operation = waited_for(service, first)
    known, needed = options(service, operation)
    given = set(re.findall(r"\s--([a-z0-9-]+)", command)) - GLOBAL
    assert given <= known, document
    # Where a sentence names a command and shows none of its options, the reader has seen it.
    assert needed <= given or "…" in command or not given, document


def deployments():
    """Every `sam deploy` that the docs tell somebody to type: (document, the whole command)."""
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        text = path.read_text().replace("\\\n", " ")
        for command in re.findall(r"`([^`\n]*sam deploy[^`\n]*)`|^(?: {4,})?((?:git|sam) .*sam deploy.*|sam deploy.*)$", text, re.MULTILINE):
            yield path.name, "".join(command)


# Options that change what happens on the way, and are spoken of by themselves.
SPOKEN_OF = {"sam deploy --express", "sam deploy --on-failure DELETE", "sam deploy --guided"}


def test_nothing_is_deployed_without_having_been_built():
    # Only a build makes new versions of the functions: test_versions.py.
    found = [(document, command) for document, command in deployments() if command not in SPOKEN_OF]
    assert len(found) > 6
    for document, command in found:
        assert re.search(r"sam build && sam deploy", command), (document, command)


def test_no_deployment_leaves_the_list_of_parameters_aside():
    # What is on the command line takes the place of samconfig.toml's whole list, and the next deployment forgets it.
    for document, command in deployments():
        assert "--parameter-overrides" not in command, (document, command)

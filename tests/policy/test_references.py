"""Whatever one resource asks of another is there, in every variant: what conditions leave out, nobody needs."""

import re

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from templates import ELSEWHERE, VARIANTS, load, source, stacks

EVERY_VARIANT = pytest.mark.parametrize("variant", VARIANTS)


def asked(value):
    """Every reference in a value: (name, attribute), without one for a Ref."""
    match value:
        case {"Ref": name}:
            yield name, None
        case {"Fn::GetAtt": [name, attribute]}:
            yield name, attribute
        case {"Fn::GetAtt": text}:
            yield tuple(text.split(".", 1))
        case {"Fn::Sub": text}:
            own = {}
            if isinstance(text, list):
                text, own = text
                yield from asked(own)
            for name in set(re.findall(r"\$\{([A-Za-z0-9:.]+)\}", text)) - set(own):
                name, _, attribute = name.partition(".")
                yield name, attribute or None
        case dict():
            for item in value.values():
                yield from asked(item)
        case list():
            for item in value:
                yield from asked(item)


def references(template):
    for logical_id, resource in template["Resources"].items():
        for name, attribute in asked({key: item for key, item in resource.items() if key != "Metadata"}):
            yield logical_id, name, attribute
        depends = resource.get("DependsOn", [])
        for name in [depends] if isinstance(depends, str) else depends:
            yield logical_id, name, None
    for output, value in template.get("Outputs", {}).items():
        for name, attribute in asked(value):
            yield output, name, attribute


def attributes(kind):
    """What Fn::GetAtt may ask of a type, by AWS's own schema."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(ELSEWHERE, kind).schema
    return {path.removeprefix("/properties/").replace("/", ".") for path in schema.get("readOnlyProperties", [])} | set(
        schema["properties"])


@EVERY_VARIANT
def test_every_reference_is_to_something_that_is_made(variant):
    names = {None: "template", **stacks(variant)}
    checked = 0
    for name in names.values():
        template = load(name, variant)
        known = set(template["Resources"]) | set(template.get("Parameters", {}))
        for where, target, attribute in references(template):
            assert target.startswith("AWS::") or target in known, (name, where, target)
            made = template["Resources"].get(target)
            if attribute and made["Type"] == "AWS::CloudFormation::Stack":
                outputs = load(names[target], variant)["Outputs"]
                assert attribute.removeprefix("Outputs.") in outputs, (name, where, target, attribute)
            elif attribute and not made["Type"].startswith("Custom::"):
                assert attribute in attributes(made["Type"]), (name, where, made["Type"], attribute)
            checked += 1
    assert checked > 300


@EVERY_VARIANT
def test_every_parameter_of_a_nested_stack_is_given(variant):
    root = load("template", variant)["Resources"]
    for logical_id, name in stacks(variant).items():
        given = root[logical_id]["Properties"].get("Parameters", {})
        assert set(given) == set(source(name)["Parameters"]), name


@EVERY_VARIANT
def test_every_permission_is_on_something_of_this_stack(variant):
    # A permission on a resource that is not made is a slip of the conditions, and so is a name that is not a prefix of
    # ours.
    for name in stacks(variant).values():
        for logical_id, resource in load(name, variant)["Resources"].items():
            if resource["Type"] == "AWS::IAM::ManagedPolicy":
                assert "''" not in str(resource["Properties"]["PolicyDocument"]), logical_id
                assert resource["Properties"]["Roles"], logical_id

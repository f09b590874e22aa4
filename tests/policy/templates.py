"""The templates as CloudFormation would see them: SAM's transform applied, loops unrolled, conditions decided."""

import copy
import os
from functools import cache
from pathlib import Path

from samcli.lib.cfn_language_extensions.api import process_template
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
# SAM asks boto3 for a region; nothing is ever called there.
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

NESTED = ["network", "data", "access", "observability"]

TEST = {"Size": "test"}
PRODUCTION = {"Size": "production", "AlarmEmail": "ops@example.com"}
OWN_NETWORK = {
    "VpcId": "vpc-0a1b2c3d",
    "PrivateSubnetIds": "subnet-0a,subnet-0b",
    "EgressSubnetIds": "subnet-0c,subnet-0d",
}
RESTORED = {**PRODUCTION, "DatabaseSnapshot": "millrace-restored"}
VARIANTS = {
    "test": TEST, "production": PRODUCTION, "own-network": {**PRODUCTION, **OWN_NETWORK}, "restored": RESTORED,
}


def source(name):
    """A template as it is written: `template` or the name of a nested one."""
    path = ROOT / "template.yaml" if name == "template" else ROOT / "infrastructure" / f"{name}.yaml"
    return yaml_parse(path.read_text())


@cache
def _root(variant):
    # Like `sam package`, which puts an address in place of each path.
    template = copy.deepcopy(source("template"))
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = f"s3://artifacts/{name}"
        if "ContentUri" in properties:
            properties["ContentUri"] = f"s3://artifacts/{name}"
        if "Location" in properties:
            properties["Location"] = f"https://artifacts.s3.amazonaws.com/{name}.yaml"
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    return transform(template, {**defaults, **VARIANTS[variant]}, managed_policy_loader=None)


@cache
def _nested(name, variant):
    template = source(name)
    # A nested template gets from its parent what the variant says, and otherwise something that stands for itself.
    known = {key: value for key, value in VARIANTS[variant].items() if key in template["Parameters"]}
    given = {key: known.get(key, parameter.get("Default", _stand_in(key, parameter)))
             for key, parameter in template["Parameters"].items()}
    if name == "network" and variant != "own-network":
        given.update({key: "" for key in OWN_NETWORK})
    expanded = process_template(template, parameter_values=given)
    return _decided(expanded, given)


def _stand_in(key, parameter):
    return {"Number": "1", "CommaDelimitedList": "subnet-0a,subnet-0b"}.get(parameter["Type"], f"the-{key}")


def load(name, variant="production"):
    """One template, as CloudFormation."""
    return copy.deepcopy(_root(variant) if name == "template" else _nested(name, variant))


def resources(variant="production", kind=None):
    """All resources of all templates: (template, logical id, resource)."""
    for name in ["template", *NESTED]:
        for logical_id, resource in load(name, variant)["Resources"].items():
            if kind is None or resource["Type"] == kind:
                yield name, logical_id, resource


def _decided(template, given):
    """Leaves out what its condition leaves out, and takes the branch that Fn::If takes."""
    conditions = template.get("Conditions", {})

    def holds(condition):
        if isinstance(condition, bool):
            return condition
        if isinstance(condition, str):
            return holds(conditions[condition])
        [(function, arguments)] = condition.items()
        match function:
            case "Condition":
                return holds(conditions[arguments])
            case "Fn::Not":
                return not holds(arguments[0])
            case "Fn::And":
                return all(map(holds, arguments))
            case "Fn::Or":
                return any(map(holds, arguments))
            case "Fn::Equals":
                left, right = (given[side["Ref"]] if isinstance(side, dict) else side for side in arguments)
                return str(left) == str(right)
        raise AssertionError(f"unknown condition {condition}")

    nothing = object()

    def decide(value):
        if isinstance(value, dict):
            if value == {"Ref": "AWS::NoValue"}:
                return nothing
            if list(value) == ["Fn::If"]:
                condition, yes, no = value["Fn::If"]
                return decide(yes if holds(condition) else no)
            decided = {key: decide(item) for key, item in value.items()}
            return {key: item for key, item in decided.items() if item is not nothing}
        if isinstance(value, list):
            return [item for item in map(decide, value) if item is not nothing]
        return value

    present = {name: resource for name, resource in template["Resources"].items()
               if "Condition" not in resource or holds(resource["Condition"])}
    return {**template, "Resources": decide(present), "Outputs": decide(template.get("Outputs", {}))}

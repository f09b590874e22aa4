"""The templates as CloudFormation would see them: SAM's transform applied, loops unrolled, conditions decided."""

import copy
import os
from functools import cache
from pathlib import Path

from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.cfn_language_extensions.api import process_template
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

try:
    import tomllib
except ImportError:  # before Python 3.11; pytest brings it along there
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
# SAM asks boto3 for a region; nothing is ever called there.
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

ENVIRONMENTS = tomllib.loads((ROOT / "samconfig.toml").read_text())
ENVIRONMENTS.pop("version")
NESTED = ["network", "data", "access", "observability", "edge"]


def overrides(environment):
    """The parameters that samconfig.toml gives for an environment."""
    given = ENVIRONMENTS[environment]["deploy"]["parameters"]["parameter_overrides"]
    return CfnParameterOverridesType().convert(given, None, None)


TEST = {"Size": "test"}
PRODUCTION = {"Size": "production", "AlarmEmail": "ops@example.com", "AdministratorEmail": "ada@example.com"}
OWN_NETWORK = {
    "VpcId": "vpc-0a1b2c3d",
    "PrivateSubnetIds": "subnet-0a,subnet-0b",
    "EgressSubnetIds": "subnet-0c,subnet-0d",
}
RESTORED = {**PRODUCTION, "DatabaseSnapshot": "millrace-restored", "DatabaseVersion": "17.9"}
EXTERNAL = overrides("external")
WATCHED = {**EXTERNAL, "AlarmSet": "full", "DeploymentType": "Canary10Percent5Minutes"}
ELSEWHERE = "eu-west-1"
VIRGINIA = {**PRODUCTION, "AWS::Region": "us-east-1"}
CALIFORNIA = {**PRODUCTION, "AWS::Region": "us-west-1"}
ZONES = {**PRODUCTION, "FirstZoneId": "use1-az4", "SecondZoneId": "use1-az6", "AWS::Region": "us-east-1"}
EDGE = {
    **PRODUCTION, "ApiDomain": "api.example.com",
    "ApiCertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/a",
    "EdgeCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/b",
    "EdgeWebAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/c",
}
IDENTITY = {**PRODUCTION, "TokenIssuer": "https://id.example.com", "TokenAudience": "https://shop.example.com"}
VARIANTS = {
    "test": TEST, "production": PRODUCTION, "own-network": {**PRODUCTION, **OWN_NETWORK}, "restored": RESTORED, "edge": EDGE,
    "external": EXTERNAL, "watched": WATCHED, "virginia": VIRGINIA, "california": CALIFORNIA, "zones": ZONES, "identity": IDENTITY,
}


def source(name):
    """A template as it is written: `template` or the name of a nested one."""
    path = ROOT / "template.yaml" if name == "template" else ROOT / "infrastructure" / f"{name}.yaml"
    return yaml_parse(path.read_text())


def transformed(parameters, layer="s3://artifacts/layer"):
    """template.yaml with these parameters, as SAM's transform makes it; conditions are left to CloudFormation."""
    # Like `sam package`, which puts an address in place of each path.
    template = copy.deepcopy(source("template"))
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = f"s3://artifacts/{name}"
        if "ContentUri" in properties:
            properties["ContentUri"] = layer
        if "Location" in properties:
            properties["Location"] = f"https://artifacts.s3.amazonaws.com/{name}.yaml"
    return transform(template, _with_defaults(parameters), managed_policy_loader=None)


@cache
def _root(variant):
    return _decided(transformed(VARIANTS[variant]), _with_defaults(VARIANTS[variant]))


def _with_defaults(parameters):
    declared = source("template")["Parameters"]
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in declared.items()}
    return {"AWS::Region": ELSEWHERE, **defaults, **parameters}


def refused(parameters):
    """What CloudFormation would say of these parameters before it makes anything: the rules that they break."""
    given = _with_defaults(parameters)
    broken = []
    for rule in source("template")["Rules"].values():
        if holds(rule.get("RuleCondition", True), given):
            broken += [assertion["AssertDescription"] for assertion in rule["Assertions"]
                       if not holds(assertion["Assert"], given)]
    return broken


@cache
def _nested(name, variant):
    template = source(name)
    # A nested template gets from its parent what the variant says, and otherwise something that stands for itself.
    known = {key: value for key, value in VARIANTS[variant].items() if key in template["Parameters"]}
    region = VARIANTS[variant].get("AWS::Region", ELSEWHERE)
    given = {key: known.get(key, parameter.get("Default", _stand_in(key, parameter)))
             for key, parameter in template["Parameters"].items()}
    if name == "network":
        given.update({key: VARIANTS[variant].get(key, "") for key in [*OWN_NETWORK, "FirstZoneId", "SecondZoneId"]})
    given["AWS::Region"] = region
    expanded = process_template(template, parameter_values=given)
    return _decided(expanded, given)


def _stand_in(key, parameter):
    if "AllowedValues" in parameter:
        return parameter["AllowedValues"][0]
    return {"Number": "1", "CommaDelimitedList": "subnet-0a,subnet-0b"}.get(parameter["Type"], f"the-{key}")


def load(name, variant="production"):
    """One template, as CloudFormation."""
    return copy.deepcopy(_root(variant) if name == "template" else _nested(name, variant))


def stacks(variant):
    """The nested stacks that this variant has: logical id in template.yaml → name of the template."""
    written = {logical_id: Path(resource["Properties"]["Location"]).stem
               for logical_id, resource in source("template")["Resources"].items()
               if resource["Type"] == "AWS::Serverless::Application"}
    made = load("template", variant)["Resources"]
    return {logical_id: name for logical_id, name in written.items() if logical_id in made}


def resources(variant="production", kind=None):
    """All resources of all templates: (template, logical id, resource)."""
    for name in ["template", *stacks(variant).values()]:
        for logical_id, resource in load(name, variant)["Resources"].items():
            if kind is None or resource["Type"] == kind:
                yield name, logical_id, resource


def holds(condition, given, conditions=None):
    """Whether a condition, or what a rule asserts, is true of these parameters."""
    def also(other):
        return holds(other, given, conditions)

    def value(side):
        return str(given[side["Ref"]] if isinstance(side, dict) else side)

    if isinstance(condition, bool):
        return condition
    if isinstance(condition, str):
        return also(conditions[condition])
    [(function, arguments)] = condition.items()
    match function:
        case "Condition":
            return also(conditions[arguments])
        case "Fn::Not":
            return not also(arguments[0])
        case "Fn::And":
            return all(map(also, arguments))
        case "Fn::Or":
            return any(map(also, arguments))
        case "Fn::Equals":
            left, right = map(value, arguments)
            return left == right
        case "Fn::Contains":
            among, wanted = arguments
            among = value(among).split(",") if isinstance(among, dict) else among
            return value(wanted) in among
    raise AssertionError(f"unknown condition {condition}")


def _decided(template, given):
    """Leaves out what its condition leaves out, and takes the branch that Fn::If takes."""
    conditions = template.get("Conditions", {})
    nothing = object()

    def decide(value):
        if isinstance(value, dict):
            if value == {"Ref": "AWS::NoValue"}:
                return nothing
            if list(value) == ["Fn::If"]:
                condition, yes, no = value["Fn::If"]
                return decide(yes if holds(condition, given, conditions) else no)
            decided = {key: decide(item) for key, item in value.items()}
            return {key: item for key, item in decided.items() if item is not nothing}
        if isinstance(value, list):
            return [item for item in map(decide, value) if item is not nothing]
        return value

    def present(section):
        there = {name: item for name, item in template.get(section, {}).items()
                 if "Condition" not in item or holds(item["Condition"], given, conditions)}
        return decide({name: {key: value for key, value in item.items() if key != "Condition"}
                       for name, item in there.items()})

    rest = {key: value for key, value in template.items() if key != "Conditions"}
    return {**rest, "Resources": present("Resources"), "Outputs": present("Outputs")}

"""moto's server, which makes more of our resources than its CloudFormation knows, and goes on where it can make none.

Three ways a resource comes to be here, best first: moto's own model; one call to moto's service, with the properties as
its arguments, which botocore checks against AWS's description of that service; a stand-in, which has a name and every
attribute, and of which nothing is known. What was made how is said on stderr for `rehearse` to list.
"""

import json
import os
import re
import sys

import boto3
from moto.awslambda.models import LayerVersion
from moto.cloudformation import models, parsing
from moto.core.common_models import CloudFormationModel
from moto.server import main

# Type → service, operation, and the member of the answer or of the call that is the resource's name.
CALLS = {
    "AWS::ApiGatewayV2::Api": ("apigatewayv2", "create_api", "ApiId"),
    "AWS::ApiGatewayV2::Stage": ("apigatewayv2", "create_stage", "StageName"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "put_metric_alarm", "AlarmName"),
    "AWS::CodeDeploy::Application": ("codedeploy", "create_application", "applicationName"),
    "AWS::CodeDeploy::DeploymentGroup": ("codedeploy", "create_deployment_group", "deploymentGroupName"),
    "AWS::ElastiCache::ServerlessCache": ("elasticache", "create_serverless_cache", "ServerlessCacheName"),
    "AWS::ElastiCache::User": ("elasticache", "create_user", "UserId"),
    "AWS::Lambda::Alias": ("lambda", "create_alias", "AliasArn"),
    "AWS::RDS::DBCluster": ("rds", "create_db_cluster", "DBClusterIdentifier"),
    "AWS::RDS::DBInstance": ("rds", "create_db_instance", "DBInstanceIdentifier"),
    "AWS::RDS::DBProxy": ("rds", "create_db_proxy", "DBProxyName"),
    "AWS::Scheduler::Schedule": ("scheduler", "create_schedule", "Name"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "create_secret", "ARN"),
}
# What the emulator demands and AWS does not, or makes by itself.
DEMANDED = {"AWS::RDS::DBCluster": {"MasterUserPassword": "made-up-by-the-rehearsal"},
            "AWS::SecretsManager::Secret": {"SecretString": "made-up-by-the-rehearsal"}}


def say(kind, what):
    print(f"rehearsal: {kind}: {what}", file=sys.stderr, flush=True)


def line(error):
    return " ".join(str(error).split())[:300]


class Made(CloudFormationModel):
    """What moto's CloudFormation has no model of. moto files models under the second part of their module."""

    __module__ = "moto.cloudformation.made"

    def __init__(self, name, kind, answer=None):
        self.name, self.kind, self.answer = name, kind, answer or {}

    @property
    def physical_resource_id(self):
        return self.name

    @classmethod
    def has_cfn_attr(cls, attr):
        return True

    def get_cfn_attribute(self, attribute_name):
        return found_in(self.answer, attribute_name.split(".")) or invented(self.kind, self.name, attribute_name)

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        kind = kwargs["ResourceType"]
        if kind in CALLS:
            try:
                return called(kind, resource_name, cloudformation_json.get("Properties", {}))
            except Exception as error:  # Whatever stands in the way: rehearse lists it.
                say("refused", f"{kind} {type(error).__name__}: {line(error)}")
        say("stand-in", kind)
        return cls(resource_name, kind)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, new_resource_name, cloudformation_json, account_id,
                                        region_name):
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        pass


def called(kind, name, properties):
    """The resource, by one call."""
    service, operation, identifier = CALLS[kind]
    client = boto3.client(service, endpoint_url=f"http://127.0.0.1:{os.environ['MOTO_PORT']}")
    if kind == "AWS::ApiGatewayV2::Api":
        # Not from its OpenAPI text, which the emulator cannot import: its routes are not made.
        properties = {"Name": name, "ProtocolType": "HTTP"}
        say("property", f"{kind}.Body")
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
    # Where a template names nothing, CloudFormation does.
    named = {member: name for member in {identifier, "Name"} & set(shape.required_members)}
    arguments = shaped({**named, **properties, **DEMANDED.get(kind, {})}, shape, kind)
    answer = {**arguments, **getattr(client, operation)(**arguments)}
    say("called", kind)
    return Made(found_in(answer, [identifier]) or name, kind, answer)


def shaped(value, shape, where):
    """A template's value as its call wants it: other capitals, numbers that are text. What the call lacks is said."""
    match shape.type_name:
        case "structure":
            known = {member.lower(): member for member in shape.members}
            for name in set(value) - {name for name in value if name.lower() in known}:
                say("property", f"{where}.{name}")
            return {known[name.lower()]: shaped(item, shape.members[known[name.lower()]], f"{where}.{name}")
                    for name, item in value.items() if name.lower() in known}
        case "list":
            return [shaped(item, shape.member, where) for item in value]
        case "map":
            return {name: shaped(item, shape.value, where) for name, item in value.items()}
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() == "true"
    return str(value)


def found_in(answer, path):
    """An attribute of the answer, however deep the answer wraps it, and whatever its capitals."""
    if not path:
        return answer if not isinstance(answer, (dict, list)) else None
    if isinstance(answer, dict):
        for name, item in answer.items():
            if name.lower() == path[0].lower() and (found := found_in(item, path[1:])):
                return found
        # `Endpoint.Address` of a template is `Endpoint` in some answers.
        if len(path) == 2 and (whole := found_in(answer, path[:1])):
            return whole if path[1] == "Address" else found_in(answer, path[1:])
        return next((found for item in answer.values() if isinstance(item, dict) and (found := found_in(item, path))), None)
    return None


def invented(kind, name, attribute):
    """A value of the right shape."""
    say("attribute", f"{kind} {attribute}")
    if attribute.lower().endswith("arn"):
        return f"arn:aws:{kind.split('::')[-2].lower()}:eu-central-1:123456789012:stand-in:{name}"
    if attribute.endswith("Port"):
        return "6379"
    return f"{name}-{attribute}".replace(".", "-").lower()


def output(stack, attribute):
    """`Outputs.X` of a nested stack. One that is not there is a fault of ours, and nothing to invent."""
    name = attribute.removeprefix("Outputs.")
    found = {output.key: output.value for output in stack.output_map.values() if output}.get(name)
    if found is None:
        say("missing", f"the output {name} of {stack.name}")
    return found or "missing"


known_class = parsing.resource_class_from_type
create = parsing.parse_and_create_resource


def class_or_made(kind):
    # A custom resource would run its function.
    found = None if kind in CALLS or kind.startswith("Custom::") else known_class(kind)
    return found or Made


def create_or_stand_in(logical_id, resource_json, resources_map, account_id, region_name):
    kind = resource_json["Type"]
    try:
        made = create(logical_id, resource_json, resources_map, account_id, region_name)
    except parsing.ValidationError:
        raise
    except Exception as error:  # Whatever moto's own model stumbles over.
        say("refused", f"{kind} {type(error).__name__}: {line(error)}")
        say("stand-in", kind)
        made = Made(f"{resources_map['AWS::StackName']}-{logical_id}".lower(), kind)
        made.logical_resource_id, made.cf_resource_type = logical_id, kind
    if not isinstance(made, (Made, models.Stack)) and isinstance(made, CloudFormationModel):
        attribute_or_invented(made, kind, logical_id)
    return made


def attribute_or_invented(made, kind, logical_id):
    own = getattr(made, "get_cfn_attribute", lambda attribute: None)

    def get(attribute):
        try:
            found = own(attribute)
        except Exception:  # moto's way of not knowing one, which the resource itself may know all the same.
            found = None
        found = found or getattr(made, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", attribute).lower(), None)
        return found if found not in (None, "") else invented(kind, logical_id, attribute)

    made.get_cfn_attribute = get


def without_nothing(value, resources_map):
    """A list without what Ref AWS::NoValue leaves out, which moto keeps as None."""
    cleaned = clean(value, resources_map)
    return [item for item in cleaned if item is not None] if isinstance(cleaned, list) else cleaned


clean = parsing.clean_json
parsing.clean_json = without_nothing
# What Ref is of a layer. Without it a function whose layer changes is told the object itself, and cannot be updated.
LayerVersion.physical_resource_id = property(lambda layer: layer.arn)
# Without what its condition leaves out, over which the emulator stumbles when it is asked for a resource behind it.
models.Stack.stack_resources = property(lambda stack: [made for made in stack.resource_map.values() if made])
models.Stack.get_cfn_attribute = output
models.Stack.has_cfn_attr = classmethod(lambda cls, attr: True)
parsing.resource_class_from_type = class_or_made
parsing.parse_and_create_resource = create_or_stand_in
parsing.ResourceMap.validate_outputs = lambda _: None
os.environ["MOTO_PORT"] = sys.argv[sys.argv.index("-p") + 1]
main(sys.argv[1:])

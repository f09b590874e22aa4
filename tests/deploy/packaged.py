"""What `sam package` would hand to CloudFormation: the transform, loops and addresses of a bucket; no code in it.

The parts are SAM's own: samtranslator's transform, and the CLI's expansion of Fn::ForEach, which AWS does in its own transform.
Nested templates are put into the bucket. Conditions, references and parameters are left for the emulator.
"""

import copy
import json
import os
from pathlib import Path

import boto3
from samcli.lib.cfn_language_extensions.api import process_template
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

BUCKET = "rehearsal"


def packaged(root, parameters):
    """The root template of this tree, whose nested ones are in the bucket."""
    template = yaml_parse((root / "template.yaml").read_text())
    given = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    if parameters.get("Size") not in template["Parameters"]["Size"]["AllowedValues"]:
        raise KeyError(parameters["Size"])
    given |= parameters
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for where in {"CodeUri", "ContentUri"} & set(properties):
            properties[where] = f"s3://{BUCKET}/code.zip"
        if "Location" in properties:
            properties["Location"] = _put(root / properties["Location"])
    boto3.client("s3").put_object(Bucket=BUCKET, Key="code.zip", Body=_empty_zip())
    region = os.environ["AWS_DEFAULT_REGION"]
    made = transform(copy.deepcopy(template), {"AWS::Region": region, **given}, managed_policy_loader=None)
    # CloudFormation's own business, which the emulator does not know.
    made.pop("Rules", None)
    return made


def _put(path):
    text = path.read_text()
    # Only where there are loops: the expansion takes a reference to what may not be there for nothing at all.
    expanded = process_template(yaml_parse(text)) if "Fn::ForEach" in text else yaml_parse(text)
    expanded.pop("Transform", None)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=path.name, Body=json.dumps(expanded))
    return f"https://{BUCKET}.s3.amazonaws.com/{Path(path).name}"


def _empty_zip():
    return b"PK\x05\x06" + bytes(18)

"""What `sam package` would hand to CloudFormation: the transform, loops and addresses of a bucket; no code in it.

The transform is SAM's own, samtranslator; Fn::ForEach, which AWS unrolls in a transform of its own, is unrolled here.
Nested templates are put into the bucket. Conditions, references and parameters are left for the emulator.
"""

import copy
import json
import os
import re
import time
from pathlib import Path

import boto3
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

BUCKET = "rehearsal"


def offers(root, size):
    """Whether this tree knows the size."""
    return size in yaml_parse((root / "template.yaml").read_text())["Parameters"]["Size"]["AllowedValues"]


def packaged(root, parameters):
    """The root template of this tree, whose nested ones are in the bucket."""
    template = yaml_parse((root / "template.yaml").read_text())
    given = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    given |= parameters
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = f"s3://{BUCKET}/code.zip"
        if "ContentUri" in properties:
            # A build makes another layer each time, and so new versions of all functions.
            properties["ContentUri"] = f"s3://{BUCKET}/{_built()}.zip"
        if "Location" in properties:
            properties["Location"] = _put(root / properties["Location"])
    boto3.client("s3").put_object(Bucket=BUCKET, Key="code.zip", Body=_empty_zip())
    region = os.environ["AWS_DEFAULT_REGION"]
    made = transform(copy.deepcopy(template), {"AWS::Region": region, **given}, managed_policy_loader=None)
    # CloudFormation's own business, which the emulator does not know.
    made.pop("Rules", None)
    return made


def _built():
    key = f"built-{time.time_ns()}"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{key}.zip", Body=_empty_zip())
    return key


def _put(path):
    expanded = _unrolled(yaml_parse(path.read_text()))
    expanded.pop("Transform", None)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=path.name, Body=json.dumps(expanded))
    return f"https://{BUCKET}.s3.amazonaws.com/{Path(path).name}"


def _unrolled(value):
    """Loops as CloudFormation unrolls them: `${Name}` is the item, `&{Name}` without what no logical id may have."""
    if isinstance(value, list):
        return [_unrolled(item) for item in value]
    if not isinstance(value, dict):
        return value
    unrolled = {}
    for key, item in value.items():
        if key.startswith("Fn::ForEach::"):
            name, items, body = item
            for one in items:
                unrolled |= _unrolled(_with(body, name, one))
        else:
            unrolled[key] = _unrolled(item)
    return unrolled


def _with(value, name, item):
    if value == {"Ref": name}:
        return item
    if isinstance(value, dict):
        return {_with(key, name, item): _with(inner, name, item) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with(inner, name, item) for inner in value]
    if isinstance(value, str):
        return value.replace("${%s}" % name, item).replace("&{%s}" % name, re.sub(r"[^A-Za-z0-9]", "", item))
    return value


def _empty_zip():
    return b"PK\x05\x06" + bytes(18)

#!/usr/bin/env bash
# Expected: `DisableExecuteApiEndpoint: false`, which is the default, changes nothing; and what is true becomes a
# document that is OpenAPI, which wants an `url` of each of its `servers`.
# Seen: both write `servers` into the gateway's body, with an entry that has no `url`.
# Versions: aws-sam-translator 1.115.0. Run on 2026-11-30.
# Concerns who has `FailOnWarnings: true` beside it: SAM's issue 2424 tells of deployments that end with the gateway's
# warning about that entry. (Here no gateway is asked.)
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check aws-sam-translator==1.115.0 openapi-spec-validator==0.9.0 2>log ||
    { cat log >&2; exit 2; }
cat >surprise.py <<'PYTHON'
import os

os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"
from openapi_spec_validator import validate
from samtranslator.translator.transform import transform


class Policies:
    def load(self):
        return {}


def body(**properties):
    events = {"Read": {"Type": "HttpApi", "Properties": {"ApiId": {"Ref": "Api"}, "Method": "GET", "Path": "/"}}}
    function = {"Runtime": "provided.al2023", "Handler": "bootstrap", "InlineCode": "x", "Events": events}
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Api": {"Type": "AWS::Serverless::HttpApi", "Properties": properties},
            "Function": {"Type": "AWS::Serverless::Function", "Properties": function},
        },
    }
    return transform(template, {}, Policies())["Resources"]["Api"]["Properties"]["Body"]


for disable in [{}, {"DisableExecuteApiEndpoint": False}, {"DisableExecuteApiEndpoint": True}]:
    servers = body(**disable).get("servers")
    document = {"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {}}
    if servers:
        document["servers"] = servers
    try:
        validate(document)
        good = "OpenAPI"
    except Exception as error:
        good = f"not OpenAPI: {error.message}"
    print(disable, servers, good, sep=" | ")
PYTHON
env/bin/python surprise.py >seen 2>log || { cat log >&2; exit 2; }
cat >expected <<'TEXT'
{} | None | OpenAPI
{'DisableExecuteApiEndpoint': False} | [{'x-amazon-apigateway-endpoint-configuration': {'disableExecuteApiEndpoint': False}}] | not OpenAPI: 'url' is a required property
{'DisableExecuteApiEndpoint': True} | [{'x-amazon-apigateway-endpoint-configuration': {'disableExecuteApiEndpoint': True}}] | not OpenAPI: 'url' is a required property
TEXT
cat seen
diff expected seen >&2 || { echo "It behaves otherwise now." >&2; exit 1; }
echo "aws-sam-translator 1.115.0: a server without an url, also for false."

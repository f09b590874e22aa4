#!/usr/bin/env bash
# Expected: where a condition does not hold, DeploymentPreference's Alarms may be AWS::NoValue, as they may without one.
# Seen: `Alarms: !Ref AWS::NoValue` is taken. `!If [c, [a], !Ref AWS::NoValue]` ends with "Alarms must be a list", as if
# SAM knew the condition; `!If [c, [a], [!Ref AWS::NoValue]]` is taken, and becomes an empty AlarmConfiguration.
# Versions: PyPI aws-sam-translator 1.115.0. Run on 2026-11-30.
# Concerns whoever lets a parameter decide whether alarms roll a deployment back.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check aws-sam-translator==1.115.0
seen=$(AWS_DEFAULT_REGION=eu-west-1 timeout 60 "$t/v/bin/python" - 2>/dev/null <<'P'
from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform

NOTHING = {"Ref": "AWS::NoValue"}


def made(alarms):
    function = {
        "Runtime": "provided.al2023", "Handler": "a", "CodeUri": "s3://bucket/code", "AutoPublishAlias": "live",
        "DeploymentPreference": {"Type": "AllAtOnce", "Alarms": alarms},
    }
    template = {
        "Parameters": {"Watched": {"Type": "String", "Default": "no"}},
        "Conditions": {"Watched": {"Fn::Equals": [{"Ref": "Watched"}, "yes"]}},
        "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": function}},
    }
    try:
        group = transform(template, {"Watched": "no"}, None)["Resources"]["FDeploymentGroup"]["Properties"]
        return group.get("AlarmConfiguration", "none")
    except InvalidDocumentException as refused:
        return "refused: " + refused.causes[0].message.split("invalid. ")[-1]


print(made(NOTHING))
print(made({"Fn::If": ["Watched", ["a"], NOTHING]}))
print(made({"Fn::If": ["Watched", ["a"], [NOTHING]]}))
P
)
echo "$seen"
[ "$seen" = "none
refused: Alarms must be a list
{'Fn::If': ['Watched', {'Enabled': True, 'Alarms': [{'Name': 'a'}]}, {}]}" ] || { echo "changed: AWS::NoValue is taken otherwise"; exit 1; }

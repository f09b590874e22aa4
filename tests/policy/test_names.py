"""Two stacks share nothing in an account: each name that a template gives holds the stack's, in any namespace."""

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from templates import ELSEWHERE, VARIANTS, resources

# Names that do not name the resource in the account, and why another stack is not in their way.
WITHIN = {
    ("AWS::ApiGatewayV2::Stage", "StageName"): "of its API",
    ("AWS::CloudWatch::Alarm", "MetricName"): "what it looks at",
    ("AWS::CodeDeploy::DeploymentGroup", "DeploymentConfigName"): "AWS's own",
    ("AWS::EC2::VPCEndpoint", "ServiceName"): "AWS's own",
    ("AWS::Lambda::Alias", "Name"): "of its function",
    ("AWS::Lambda::EventInvokeConfig", "Qualifier"): "the alias, of its function",
    ("AWS::RDS::DBCluster", "DatabaseName"): "of its cluster",
    ("AWS::RDS::DBProxyTargetGroup", "TargetGroupName"): "of its proxy",
}
# Whose names an account has once for all regions.
EVERYWHERE = ("AWS::CloudFront::", "AWS::CloudWatch::Dashboard", "AWS::IAM::", "AWS::Route53::", "AWS::S3::Bucket")


def identifiers(kind):
    """Properties that a resource is known by, as its schema at AWS says."""
    if not kind.startswith("AWS::"):
        return set()
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return {path.rpartition("/")[2] for path in schema["primaryIdentifier"]}


def names(variant):
    """Every name that a template gives: (kind, logical id, property, value)."""
    for _, logical_id, resource in resources(variant):
        kind, properties = resource["Type"], resource.get("Properties", {})
        known_by = identifiers(kind)
        # CloudFront puts the name into a group of properties.
        groups = [value for value in properties.values() if isinstance(value, dict) and "Name" in value]
        for group in [properties, *groups]:
            for name, value in group.items():
                # A reference is to something that has a name of its own.
                refers = isinstance(value, dict) and set(value) <= {"Ref", "Fn::GetAtt"}
                if (name.endswith("Name") or name in known_by) and not refers and (kind, name) not in WITHIN:
                    yield kind, logical_id, name, str(value)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_name_holds_the_stacks(variant):
    found = list(names(variant))
    assert len(found) > 60
    for kind, logical_id, name, value in found:
        assert "the-Prefix" in value or "AWS::StackName" in value, (kind, logical_id, name, value)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_name_that_an_account_has_once_for_all_regions_holds_the_region(variant):
    region = VARIANTS[variant].get("AWS::Region", ELSEWHERE)
    found = [(logical_id, value) for kind, logical_id, _, value in names(variant) if kind.startswith(EVERYWHERE)]
    assert len(found) == (2 if variant == "edge" else 1)
    for logical_id, value in found:
        assert region in value, (logical_id, value)

"""Contradictions are refused before anything is made, with a sentence that says what to do."""

import pytest
from templates import EDGE, EXTERNAL, OWN_NETWORK, PRODUCTION, RESTORED, VARIANTS, refused

BAD = {
    "external servers without their addresses": ({"Size": "external"}, "aws secretsmanager create-secret"),
    "a network for external servers": ({**EXTERNAL, "FirstZoneId": "use1-az1", "SecondZoneId": "use1-az2"}, "FirstZoneId"),
    "a restore of an external server": (
        {**EXTERNAL, "DatabaseSnapshot": "one", "DatabaseVersion": "17.9"}, "DatabaseSnapshot"),
    "addresses that nothing would use": ({"Size": "test", "ExternalSecret": "millrace-external"}, "Size=external"),
    "a canary that nothing would roll back": (
        {"AlarmSet": "small", "DeploymentType": "Canary10Percent5Minutes"}, "DeploymentType=AllAtOnce"),
    "all at once": ({**PRODUCTION, "DeploymentType": "AllAtOnce"}, "canary"),
    "nobody hears": ({"Size": "production"}, "AlarmEmail"),
    "half a network": ({"VpcId": "vpc-0a", "PrivateSubnetIds": "subnet-0a,subnet-0b"}, "EgressSubnetIds"),
    "subnets of no network": ({"PrivateSubnetIds": "subnet-0a,subnet-0b"}, "VpcId"),
    "an issuer for whomever": ({"TokenIssuer": "https://id.example.com"}, "TokenAudience"),
    "an audience of nobody": ({"TokenAudience": "shop"}, "TokenIssuer"),
    "any origin": ({"CorsOrigins": "https://shop.example.com,*"}, "CorsOrigins"),
    "one zone": ({"FirstZoneId": "use1-az1"}, "SecondZoneId"),
    "the other zone": ({"SecondZoneId": "use1-az1"}, "FirstZoneId"),
    "a first zone without a proxy": (
        {"FirstZoneId": "use1-az3", "SecondZoneId": "use1-az1"}, "aws ec2 describe-availability-zones"),
    "a second zone without a proxy": (
        {"FirstZoneId": "usw1-az1", "SecondZoneId": "usw1-az2"}, "aws ec2 describe-availability-zones"),
    "one zone twice": ({"FirstZoneId": "use1-az1", "SecondZoneId": "use1-az1"}, "the same zone"),
    "zones of a network that is there": (
        {**OWN_NETWORK, "FirstZoneId": "use1-az1", "SecondZoneId": "use1-az2"}, "leave them empty"),
    "a snapshot of an unknown version": (
        {**RESTORED, "DatabaseVersion": "17"}, "aws rds describe-db-cluster-snapshots"),
    "a name without a certificate": ({"ApiDomain": "api.example.com"}, "ApiCertificateArn"),
    "a certificate for no name": ({"ApiCertificateArn": EDGE["ApiCertificateArn"]}, "ApiDomain"),
    "CloudFront with a way past it": ({"EdgeCertificateArn": EDGE["EdgeCertificateArn"]}, "ApiDomain"),
    "a firewall in front of nothing": (
        {"ApiDomain": EDGE["ApiDomain"], "ApiCertificateArn": EDGE["ApiCertificateArn"],
         "EdgeWebAclArn": EDGE["EdgeWebAclArn"]}, "EdgeCertificateArn"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_makes_sense_is_not_refused(variant):
    # As samconfig.toml does for the small one.
    assert refused(VARIANTS[variant]) == []


def test_production_may_go_past_codedeploy():
    # When an alarm is on there is no other way to deploy what ends it.
    assert refused({**PRODUCTION, "DeploymentType": "Unwatched"}) == []


def test_the_way_to_the_small_set_may_go_past_codedeploy():
    # Its groups go on naming alarms that are gone, until they are gone too.
    assert refused({**EXTERNAL, "AlarmSet": "small", "DeploymentType": "Unwatched"}) == []


@pytest.mark.parametrize("name", BAD)
def test_what_contradicts_itself_is_refused_with_what_to_do(name):
    parameters, advice = BAD[name]
    [reason] = refused(parameters)
    assert advice in reason, reason

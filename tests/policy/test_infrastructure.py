"""What the functions stand on: encrypted, not public, watched."""

import re

import pytest
from templates import NESTED, VARIANTS, load, resources, source

EVERY_VARIANT = pytest.mark.parametrize("variant", VARIANTS)


@EVERY_VARIANT
def test_everything_at_rest_is_encrypted(variant):
    for _, name, resource in resources(variant):
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::RDS::DBCluster":
                # A restored cluster is encrypted as its snapshot is, and every cluster was.
                assert properties.get("StorageEncrypted") is True or "SnapshotIdentifier" in properties, name
            case "AWS::SQS::Queue":
                assert properties["SqsManagedSseEnabled"] is True, name
            case "AWS::SNS::Topic":
                assert properties["KmsMasterKeyId"], name


@EVERY_VARIANT
def test_everything_on_the_way_is_encrypted(variant):
    data = load("data", variant)
    outputs, found = data["Outputs"], data["Resources"]
    for output in ["DatabaseDirectUrl", "DatabaseUrl"]:
        url = str(outputs[output])
        # The code refuses to send a token to a server that it has not verified.
        assert "?sslmode=verify-full" in url, output
        # RDS Proxy's certificates are the web's, Aurora's are not.
        assert ("Proxy" in url) != ("&sslrootcert=/opt/rds.pem" in url), output
    assert "rediss://" in str(outputs["RedisUrl"])
    assert found["DatabaseSettings"]["Properties"]["Parameters"]["rds.force_ssl"] == "1"
    if "Proxy" in found:
        assert found["Proxy"]["Properties"]["RequireTLS"] is True


@EVERY_VARIANT
def test_no_database_is_public(variant):
    for _, name, resource in resources(variant, "AWS::RDS::DBInstance"):
        assert resource["Properties"]["PubliclyAccessible"] is False, name
    for _, name, resource in resources(variant):
        properties = resource.get("Properties", {})
        rules = properties.get("SecurityGroupIngress", [])
        if resource["Type"] == "AWS::EC2::SecurityGroupIngress":
            rules = [properties]
        for rule in rules:
            assert rule.get("CidrIp", "10.").startswith("10."), name
            assert "CidrIpv6" not in rule, name


@EVERY_VARIANT
def test_private_subnets_have_no_way_out(variant):
    found = load("network", variant)["Resources"]
    routes = {resource["Properties"]["RouteTableId"]["Ref"] for resource in found.values()
              if resource["Type"] == "AWS::EC2::Route"}
    assert "PrivateRoutes" not in routes


@EVERY_VARIANT
def test_every_security_group_says_what_may_leave_it(variant):
    for _, name, resource in resources(variant, "AWS::EC2::SecurityGroup"):
        rules = resource["Properties"]["SecurityGroupEgress"]
        assert rules and all("Description" in rule for rule in rules), name
        assert all(rule["IpProtocol"] == "tcp" for rule in rules), name


def test_a_database_is_made_from_a_snapshot_only_when_one_is_named():
    # A snapshot brings these along, and CloudFormation refuses to be told them again.
    brought = {"MasterUsername", "MasterUserAuthenticationType", "StorageEncrypted"}
    for variant in VARIANTS:
        cluster = load("data", variant)["Resources"]["Database"]["Properties"]
        restored = "SnapshotIdentifier" in cluster
        assert restored == (variant == "restored"), variant
        assert brought & set(cluster) == (set() if restored else brought), variant


@EVERY_VARIANT
def test_nobody_signs_in_with_a_password(variant):
    found = load("data", variant)["Resources"]
    cluster = found["Database"]["Properties"]
    assert "MasterUserPassword" not in cluster and cluster["EnableIAMDatabaseAuthentication"] is True
    assert "SnapshotIdentifier" in cluster or cluster["MasterUserAuthenticationType"] == "iam-db-auth"
    assert found["CacheUser"]["Properties"]["AuthenticationMode"] == {"Type": "iam"}
    if "Proxy" in found:
        assert found["Proxy"]["Properties"]["DefaultAuthScheme"] == "IAM_AUTH"


def test_production_outlives_a_zone_and_a_slip_of_the_hand():
    found = load("data", "production")["Resources"]
    assert {"DatabaseWriter", "DatabaseStandby", "Proxy"} <= set(found)
    assert found["Database"]["Properties"]["DeletionProtection"] is True
    assert found["Database"]["Properties"]["BackupRetentionPeriod"] >= 7
    assert {"NatA", "NatB"} <= set(load("network", "production")["Resources"])


def test_a_network_of_yours_gets_nothing_but_security_groups():
    kinds = {resource["Type"] for resource in load("network", "own-network")["Resources"].values()}
    assert kinds == {"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"}


@EVERY_VARIANT
def test_every_queue_has_a_dead_letter_queue_that_keeps_longer(variant):
    queues = {name: resource["Properties"] for _, name, resource in resources(variant, "AWS::SQS::Queue")}
    behind = {queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]: name
              for name, queue in queues.items() if "RedrivePolicy" in queue}
    for name, queue in queues.items():
        if name in behind:
            assert queue["MessageRetentionPeriod"] > queues[behind[name]]["MessageRetentionPeriod"]
        else:
            assert "RedrivePolicy" in queue, name


def test_a_message_is_hidden_for_six_times_as_long_as_its_worker_may_take():
    found = load("template")["Resources"]
    worker, queue = found["ChargeWorker"]["Properties"], found["DeferredCharges"]["Properties"]
    assert queue["VisibilityTimeout"] == 6 * worker["Timeout"]
    mapping = found["ChargeWorkerDeferredCharges"]["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"]["MaximumConcurrency"]


def test_the_templates_agree_on_what_they_hand_to_each_other():
    template = source("template")
    root = template["Resources"]
    for name in NESTED:
        nested = source(name)
        stack = next(logical_id for logical_id, resource in root.items()
                     if resource.get("Properties", {}).get("Location") == f"infrastructure/{name}.yaml")
        assert set(root[stack]["Properties"].get("Parameters", {})) == set(nested["Parameters"]), name
        asked = set(re.findall(rf"'{stack}', 'Outputs\.(\w+)'|'{stack}\.Outputs\.(\w+)'", str(template)))
        asked = {"".join(found) for found in asked}
        assert asked == set(nested["Outputs"]), name

"""What the functions stand on: encrypted, not public, watched."""

import json
import re

import pytest
from templates import EXTERNAL, NESTED, ROOT, VARIANTS, load, resources, source, transformed
from test_access import granted

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
                # What it sends leaves as a mail and tells of no customer: the small set saves the key's price.
                assert ("KmsMasterKeyId" in properties) == (VARIANTS[variant].get("AlarmSet") != "small"), name


def test_a_key_is_there_for_whoever_uses_it_alone():
    # Each costs a dollar a month.
    for variant in VARIANTS:
        keys = [name for _, name, _ in resources(variant, "AWS::KMS::Key")]
        used = {topic["Properties"]["KmsMasterKeyId"]["Ref"] for _, _, topic in resources(variant, "AWS::SNS::Topic")
                if "KmsMasterKeyId" in topic["Properties"]}
        assert sorted(keys) == sorted(used), variant


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


def test_another_size_changes_no_security_group():
    # A group's own rules are changed at once, when what replaces them is not there yet. A rule that is a resource goes
    # when all the rest is done.
    def groups(variant):
        return {name: resource["Properties"] for name, resource in load("network", variant)["Resources"].items()
                if resource["Type"] == "AWS::EC2::SecurityGroup"}

    assert len(groups("test")) > 5
    assert groups("test") == groups("production")


def test_a_larger_size_takes_no_way_to_sign_in_to_postgres_away():
    # Roles change before aliases move: until then the functions are those of the smaller size.
    small, large = (str(load("data", size)["Outputs"]["DatabaseUserArns"]["Value"]) for size in ["test", "production"])
    assert "DBClusterResourceId" in small and small in large
    assert "DBProxyArn" in large.replace(small, "")
    [statement] = source("access")["Resources"]["UseTheDatabase"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"Ref": "DatabaseUserArns"}


def test_valkey_is_given_as_many_subnets_as_it_takes():
    written = source("data")["Resources"]["Cache"]["Properties"]["SubnetIds"]
    given = source("template")["Resources"]["Data"]["Properties"]["Parameters"]["SubnetIds"]
    assert written == {"Ref": "SubnetIds"} and given == {"Fn::GetAtt": ["Network", "Outputs.PrivateSubnetIds"]}
    allowed = source("template")["Parameters"]["PrivateSubnetIds"]["AllowedPattern"]
    taken = {count for count in range(1, 7) if re.match(allowed, ",".join(["subnet-0a1b"] * count))}
    assert taken == {2, 3}


def test_the_proxy_waits_for_every_instance():
    found = load("data", "production")["Resources"]
    instances = {name for name, resource in found.items() if resource["Type"] == "AWS::RDS::DBInstance"}
    assert len(instances) == 2 and set(found["ProxyPool"]["DependsOn"]) == instances


def test_functions_reach_postgres_itself_only_where_there_is_no_proxy():
    assert "DatabaseFromFunctions" in load("network", "test")["Resources"]
    assert "DatabaseFromFunctions" not in load("network", "production")["Resources"]


def test_with_external_servers_there_is_no_network_no_database_and_no_cache():
    # What price lists charge by the hour, used or not.
    by_the_hour = ("AWS::EC2::", "AWS::RDS::", "AWS::ElastiCache::", "AWS::CodeDeploy::OnPremises")
    kinds = {resource["Type"] for _, _, resource in resources("external")}
    assert not [kind for kind in kinds if kind.startswith(by_the_hour)]
    assert {"AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::CloudWatch::Alarm"} <= kinds
    for _, name, resource in resources("external", "AWS::Lambda::Function"):
        assert "VpcConfig" not in resource["Properties"], name


def test_addresses_of_external_servers_come_from_a_secret_and_from_no_parameter():
    for _, name, resource in resources("external", "AWS::Lambda::Function"):
        variables = resource["Properties"]["Environment"]["Variables"]
        secret = {setting for setting, value in variables.items()
                  if str(value).startswith("{'Fn::Sub': '{{resolve:secretsmanager:${ExternalSecret}:SecretString:")}
        expected = {"DATABASE_URL", "DATABASE_DIRECT_URL"} if name == "Migrate" else {"DATABASE_URL"}
        assert secret == expected | ({"REDIS_URL"} if name in granted("UseTheCache") else set()), name
        assert {variables["DATABASE_IAM_AUTH"], variables["REDIS_IAM_AUTH"]} == {"false"}, name


def test_there_is_room_for_the_addresses_of_another_endpoint():
    # Each function brings two with Size=external, and CloudFormation takes sixty in a template.
    for name, template in [("template", transformed(EXTERNAL)), *((name, source(name)) for name in NESTED)]:
        references = json.dumps(template, default=str).count("{{resolve:")
        assert references <= 58, (
            f"{name} has {references} dynamic references, and CloudFormation takes 60: give a function that asks no Redis "
            "the address *never-asked, or let Migration hand on what is the same for all (docs/adding-an-endpoint.md)")


def test_only_who_asks_redis_has_its_address():
    for _, name, resource in resources("production", "AWS::Lambda::Function"):
        address = str(resource["Properties"]["Environment"]["Variables"]["REDIS_URL"])
        assert ("Outputs.RedisUrl" in address) == (name in granted("UseTheCache")), name


@EVERY_VARIANT
def test_no_function_takes_an_address_without_verified_tls(variant):
    for _, name, resource in resources(variant, "AWS::Lambda::Function"):
        assert resource["Properties"]["Environment"]["Variables"]["REQUIRE_TLS"] == "true", name


def test_the_cache_has_a_limit_of_data_and_of_work():
    [(_, _, cache)] = resources("production", "AWS::ElastiCache::ServerlessCache")
    limits = cache["Properties"]["CacheUsageLimits"]
    assert limits["DataStorage"]["Maximum"] and limits["ECPUPerSecond"]["Maximum"]


# Where RDS Proxy is not.
WITHOUT_PROXY = {"use1-az3", "usw1-az2"}


@EVERY_VARIANT
def test_every_subnet_is_where_rds_proxy_can_be(variant):
    network = load("network", variant)["Resources"]
    subnets = {name: resource["Properties"] for name, resource in network.items() if resource["Type"] == "AWS::EC2::Subnet"}
    zones = set()
    for name, subnet in subnets.items():
        first = f"PublicSubnet{name[-1]}"
        if name != first:
            # Whatever zone was chosen for the first, the others follow.
            assert subnet["AvailabilityZone"] == {"Fn::GetAtt": [first, "AvailabilityZone"]}, name
            continue
        by_id = VARIANTS[variant].get("AWS::Region") in {"us-east-1", "us-west-1"}
        assert ("AvailabilityZoneId" in subnet) == by_id and ("AvailabilityZone" in subnet) != by_id, name
        zones.add(str(subnet.get("AvailabilityZoneId", subnet.get("AvailabilityZone"))))
    assert not zones & WITHOUT_PROXY
    assert len(zones) == (0 if variant == "own-network" else 2)


@EVERY_VARIANT
def test_aws_may_move_the_minor_version_on(variant):
    found = load("data", variant)["Resources"]
    cluster = found["Database"]["Properties"]
    moved_on = any(resource["Properties"].get("AutoMinorVersionUpgrade", True) for resource in found.values()
                   if resource["Type"] == "AWS::RDS::DBInstance")
    # A minor version in a template is older than the live one by the time it matters, and is refused then. Only a
    # snapshot needs one, and it is given with it.
    exact = "." in str(cluster["EngineVersion"])
    assert not (moved_on and exact) or "SnapshotIdentifier" in cluster
    assert source("data")["Resources"]["Database"]["Properties"]["EngineVersion"] == {"Ref": "EngineVersion"}
    major = str(source("template")["Parameters"]["DatabaseVersion"]["Default"])
    assert found["DatabaseSettings"]["Properties"]["Family"] == f"aurora-postgresql{major}"


def test_paid_support_for_an_old_version_does_not_begin_by_itself():
    cluster = load("data")["Resources"]["Database"]["Properties"]
    assert cluster["EngineLifecycleSupport"] == "open-source-rds-extended-support-disabled"
    assert cluster["DatabaseInsightsMode"] == "standard"


def test_what_postgres_logs_of_statements_is_the_same_here_and_there():
    rust = (ROOT / "local/cloud/src/services/postgres.rs").read_text()
    here = dict(re.findall(r'"(log_\w+)=([^"]*)"', rust))
    [(_, _, group)] = resources(kind="AWS::RDS::DBClusterParameterGroup")
    there = {name: value for name, value in group["Properties"]["Parameters"].items() if name.startswith("log_")}
    # Of these two, neither shows a statement.
    harmless = {"log_lock_waits", "log_timezone"}
    assert {name: value for name, value in here.items() if name not in harmless} == there


@EVERY_VARIANT
def test_a_slip_deletes_no_secret(variant):
    secrets = list(resources(variant, "AWS::SecretsManager::Secret"))
    assert len(secrets) >= 3
    for _, name, secret in secrets:
        assert secret["DeletionPolicy"] in {"Retain", "RetainExceptOnCreate"}, name
        assert secret["UpdateReplacePolicy"] == "Retain", name


@EVERY_VARIANT
def test_with_a_name_of_yours_there_is_one_way_in(variant):
    found = load("template", variant)["Resources"]
    named = "ApiDomain" in VARIANTS[variant]
    [server] = found["Api"]["Properties"]["Body"]["servers"]
    assert server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"] is named
    assert ("ApiDomainName" in found) == ("ApiDomainMapping" in found) == named


@EVERY_VARIANT
def test_no_deployment_ends_with_a_warning_of_the_gateway(variant):
    # To switch its own address off, or not to, SAM writes a server without an url, and the gateway warns of that: SAM's
    # issue 2424.
    gateway = load("template", variant)["Resources"]["Api"]["Properties"]
    warned_of = [server for server in gateway["Body"].get("servers", []) if "url" not in server]
    assert not (warned_of and gateway.get("FailOnWarnings")), warned_of


def test_cloudfront_says_whom_it_serves_and_shows_that_it_is_cloudfront():
    found = load("edge", "edge")["Resources"]
    headers = found["Forwarded"]["Properties"]["OriginRequestPolicyConfig"]["HeadersConfig"]
    # With all headers of the caller, Host included: the gateway finds the API by it.
    assert headers == {"HeaderBehavior": "allViewerAndWhitelistCloudFront", "Headers": ["CloudFront-Viewer-Address"]}
    [origin] = found["Distribution"]["Properties"]["DistributionConfig"]["Origins"]
    [shown] = origin["OriginCustomHeaders"]
    assert shown["HeaderValue"] == "{{resolve:secretsmanager:the-SecretArn}}"
    believed = (ROOT / "shared/src/edge.rs").read_text()
    assert f'"{shown["HeaderName"]}"' in believed and '"cloudfront-viewer-address"' in believed


def test_functions_know_the_secret_of_the_edge_by_its_hash_alone():
    for variant in ["production", "edge"]:
        for name, resource in load("template", variant)["Resources"].items():
            if resource["Type"] != "AWS::Lambda::Function":
                continue
            variables = resource["Properties"]["Environment"]["Variables"]
            told = variant == "edge" and name != "Migrate"
            expected = {"Fn::GetAtt": ["Migration", "EdgeSecretHashes"]} if told else ""
            assert variables["EDGE_SECRET_HASHES"] == expected, name


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


def test_an_import_may_send_itself_on_for_as_long_as_it_takes():
    # Lambda ends a function that feeds its own queue after some sixteen rounds, unless it is told that this is meant.
    feeding = {name for name, resource in load("template")["Resources"].items()
               if resource["Type"] == "AWS::Lambda::Function" and resource["Properties"].get("RecursiveLoop") == "Allow"}
    own = {name.removesuffix("Imports") for name, resource in load("template")["Resources"].items()
           if resource["Type"] == "AWS::Lambda::EventSourceMapping" and "Imports.Arn" in str(resource).replace("', '", ".")}
    assert feeding == own == {"ImportProducts"}


def test_the_gateway_keeps_no_metrics_of_each_route():
    # A few dollars a month for each route, and alarms and dashboard look at the functions' own.
    assert "DetailedMetricsEnabled" not in str(load("template"))


def test_an_alarm_sees_calls_that_were_throttled_when_none_was_served():
    # Throttled calls are no invocations: of these there is no count then, and nothing compares with what is not there.
    alarms = [resource["Properties"] for _, _, resource in resources(kind="AWS::CloudWatch::Alarm")]
    throttled = [alarm for alarm in alarms if "'Throttles'" in str(alarm)]
    assert len(throttled) > 20
    for alarm in throttled:
        counted = {part["Id"] for part in alarm["Metrics"] if "MetricStat" in part}
        written = " ".join(part["Expression"] for part in alarm["Metrics"] if "Expression" in part)
        assert counted == set(re.findall(r"FILL\((\w+), 0\)", written)), alarm["AlarmName"]


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

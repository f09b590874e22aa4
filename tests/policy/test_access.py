"""Who may do what."""

import pytest
from templates import ROOT, VARIANTS, load, resources, source
from test_contract import ROUTES

# What AWS itself knows no narrower resource for.
ONLY_ON_EVERYTHING = {
    "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses", "ec2:DescribeSubnets",
    "xray:PutTraceSegments", "xray:PutTelemetryRecords",
    "cloudwatch:DescribeAlarms",
}


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(variant):
    """Every statement that grants something: (where, statement)."""
    for _, name, resource in resources(variant):
        properties = resource.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            documents.append(properties["PolicyDocument"])
        for document in documents:
            for statement in listed(document["Statement"]):
                if statement["Effect"] == "Allow":
                    yield name, statement


def functions(variant="edge"):
    """Every function: (logical id, properties). Where CloudFront is in front, there is most to know."""
    for _, name, resource in resources(variant, "AWS::Lambda::Function"):
        yield name, resource["Properties"]


def granted(policy):
    """The functions that have a permission, by their logical ids in template.yaml."""
    access = load("access", "edge")
    roles = {output["Value"]["Fn::GetAtt"][0]: name for name, output in access["Outputs"].items()}
    return {roles[role["Ref"]] for role in access["Resources"][policy]["Properties"]["Roles"]}


def with_setting(name):
    return {function for function, properties in functions() if properties["Environment"]["Variables"].get(name)}


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_permission_is_for_everything(variant):
    for name, statement in statements(variant):
        actions = listed(statement["Action"])
        assert "*" not in actions, name
        assert not [action for action in actions if action.endswith(":*")], name
        if "*" in listed(statement["Resource"]):
            assert set(actions) <= ONLY_ON_EVERYTHING, name


def test_every_function_has_a_role_of_its_own():
    roles = [properties["Role"]["Fn::GetAtt"] for _, properties in functions()]
    assert sorted(map(tuple, roles)) == sorted(("Access", f"Outputs.{name}") for name, _ in functions())


def test_no_role_has_a_policy_that_aws_wrote():
    # SAM's own role for CodeDeploy has one, for every function of the account.
    for _, name, resource in resources(kind="AWS::IAM::Role"):
        assert not resource["Properties"].get("ManagedPolicyArns"), name


def test_codedeploy_moves_the_traffic_of_this_stack_alone():
    groups = [resource["Properties"] for _, _, resource in resources(kind="AWS::CodeDeploy::DeploymentGroup")]
    assert len(groups) == len(list(functions())) - 1
    assert all(group["ServiceRoleArn"] == {"Fn::GetAtt": ["Access", "Outputs.Deploy"]} for group in groups)
    [policy] = source("access")["Resources"]["Deploy"]["Properties"]["Policies"]
    moved = {action: {resource["Fn::Sub"].partition(":function:${Prefix}-")[2] for resource in statement["Resource"]}
             for statement in policy["PolicyDocument"]["Statement"] for action in listed(statement["Action"])
             if action.startswith("lambda:")}
    # By their whole names: millrace-* would be millrace-production's too.
    names = {properties["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for _, properties in functions()}
    names -= {"migrate"}
    alias = source("template")["Globals"]["Function"]["AutoPublishAlias"]
    # What a version or an alias may have, Lambda looks up under its whole name, and under the function's never.
    assert moved == {"lambda:GetAlias": names, "lambda:UpdateAlias": names,
                     "lambda:GetProvisionedConcurrencyConfig": {f"{name}:{alias}" for name in names}}


@pytest.mark.parametrize("variant", VARIANTS)
def test_rds_takes_its_roles_without_a_condition(variant):
    # RDS Proxy supports no global condition key: one that is asked for is not there, and its role is never given out.
    for _, name, resource in resources(variant, "AWS::IAM::Role"):
        for statement in listed(resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]):
            if "rds.amazonaws.com" in listed(statement["Principal"].get("Service", [])):
                assert "Condition" not in statement, name


def test_the_proxy_has_a_role():
    assert "ProxyRole" in load("data", "production")["Resources"]


@pytest.mark.parametrize(
    ("setting", "policy"),
    [
        ("PAYMENTS_KEY_ARN", "Charge"),
        ("PAYMENTS_WEBHOOK_SECRET_ARN", "BelieveTheProvider"),
        ("TOKEN_PRIVATE_KEY_ARN", "SignTokens"),
        ("DEFERRED_CHARGES_QUEUE_URL", "DeferCharges"),
        ("DATABASE_DIRECT_URL", "ChangeTheSchema"),
        ("EDGE_SECRET_ARN", "KnowTheEdge"),
        ("ADMINISTRATOR_PASSWORD_ARN", "WelcomeTheAdministrator"),
        ("IMPORTS_URL", "ImportFiles"),
        ("IMPORTS_QUEUE_URL", "TakeImports"),
    ],
)
def test_a_function_may_use_what_its_settings_name_and_nothing_else(setting, policy):
    assert with_setting(setting) == granted(policy)


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        ("app.charging.payments()", "PAYMENTS_KEY_ARN"),
        ("app.charging.webhook_secrets()", "PAYMENTS_WEBHOOK_SECRET_ARN"),
        ("app.issuer()", "TOKEN_PRIVATE_KEY_ARN"),
        ("app.charging.queue()", "DEFERRED_CHARGES_QUEUE_URL"),
    ],
)
def test_a_function_has_the_settings_that_its_code_asks_for(code, setting):
    template = source("template")["Resources"]
    asking = {
        name
        for name in with_setting("DATABASE_URL") - {"Migrate"}
        for main in [ROOT / template[name]["Properties"]["CodeUri"] / "src/main.rs"]
        if main.exists() and code in main.read_text()
    }
    assert asking == with_setting(setting) - {"Migrate"}


def test_everybody_but_the_migration_may_use_the_database():
    assert granted("UseTheDatabase") == {name for name, _ in functions()} - {"Migrate"}


def test_who_asks_redis_may_use_the_cache_and_nobody_else():
    template = source("template")["Resources"]
    folders = {name: template[name]["Properties"]["CodeUri"].removeprefix("functions/") for name, _ in functions()}
    asking = {name for name, folder in folders.items() if ROUTES.asks_redis(folder)}
    assert asking
    assert granted("UseTheCache") == asking


def with_a_way_out(variant="edge"):
    return {
        name
        for name, properties in functions(variant)
        if "Outputs.EgressSubnetIds" in str(properties["VpcConfig"]["SubnetIds"])
        or "Outputs.OutboundSecurityGroupId" in str(properties["VpcConfig"]["SecurityGroupIds"])
    }


def reading_from_s3(variant):
    """Every policy's statement of a role or an endpoint that lets somebody read an object: (where, its statements)."""
    for _, name, resource in resources(variant):
        properties = resource.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        if resource["Type"] in {"AWS::IAM::ManagedPolicy", "AWS::EC2::VPCEndpoint"}:
            documents.append(properties["PolicyDocument"])
        for document in documents:
            allowed = [statement for statement in listed(document["Statement"]) if statement["Effect"] == "Allow"]
            if any("s3:GetObject" in listed(statement["Action"]) for statement in allowed):
                yield name, allowed


@pytest.mark.parametrize("variant", VARIANTS)
def test_who_may_read_from_a_bucket_may_list_it(variant):
    # To whoever may not, S3 answers 403 for an object that is not there, as for one that may not be read.
    found = list(reading_from_s3(variant))
    assert {"ImportFiles"} <= {name for name, _ in found} <= {"ImportFiles", "StorageEndpoint"}
    for name, allowed in found:
        of_objects = [statement for statement in allowed if "s3:GetObject" in listed(statement["Action"])]
        of_buckets = [statement for statement in allowed if "s3:ListBucket" in listed(statement["Action"])]
        readable = {str(resource).removesuffix("/products/*") for statement in of_objects
                    for resource in listed(statement["Resource"])}
        assert readable <= {str(resource) for statement in of_buckets for resource in listed(statement["Resource"])}, name


def test_only_functions_that_call_the_provider_have_a_way_out():
    assert with_a_way_out() == with_setting("PAYMENTS_URL") == with_setting("PAYMENTS_KEY_ARN")


def test_with_an_identity_provider_who_verifies_tokens_has_a_way_out_too():
    template = source("template")["Resources"]
    mains = {name: (ROOT / template[name]["Properties"]["CodeUri"] / "src/main.rs").read_text() for name, _ in functions()}
    # shared/src/http/endpoint.rs: who is counted by address, or not at all, is not verified.
    verifying = {
        name
        for name, main in mains.items()
        if "http::serve(" in main and ".by_address()" not in main and "limited_by(&[])" not in main
    }
    assert len(verifying) > 10
    assert with_a_way_out("identity") == verifying | with_setting("PAYMENTS_URL")


def test_no_secret_is_an_environment_variable():
    secrets = {name for _, name, _ in resources(kind="AWS::SecretsManager::Secret")}
    for function, properties in functions():
        for variable, value in properties["Environment"]["Variables"].items():
            assert "resolve:secretsmanager" not in str(value), (function, variable)
            if isinstance(value, dict) and value.get("Ref") in secrets:
                # A reference to a secret is its ARN.
                assert variable.endswith("_ARN"), (function, variable)


def test_the_signing_key_is_as_random_as_it_is_long():
    key = load("template")["Resources"]["TokenPrivateKey"]["Properties"]["GenerateSecretString"]
    letters = set("abcdefghijklmnopqrstuvwxyz") - set(key["ExcludeCharacters"])
    assert letters == set("abcdef") and key["PasswordLength"] == 64
    assert key["ExcludeUppercase"] and key["ExcludePunctuation"] and not key["RequireEachIncludedType"]

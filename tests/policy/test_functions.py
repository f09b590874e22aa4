"""Every function: built alone, logged, watched, released in steps, and after the schema."""

import re

import pytest
from templates import NESTED, PRODUCTION, ROOT, load, resources, source, tomllib, transformed


def functions():
    return {name: resource for name, resource in source("template")["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"}


def folder(resource):
    return resource["Metadata"]["BuildProperties"]["Binary"]


def is_endpoint(resource):
    return any(event["Type"] == "HttpApi" for event in resource["Properties"].get("Events", {}).values())


FOLDERS = [folder(resource) for resource in functions().values()]


def test_the_template_has_the_functions_that_the_workspace_has():
    written = [path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")]
    assert sorted(written) == sorted(FOLDERS)


def test_each_function_is_built_from_its_own_folder():
    # From the workspace root cargo would unify the features of all functions, and link the AWS clients into every one.
    for name, resource in functions().items():
        assert resource["Properties"]["CodeUri"] == f"functions/{folder(resource)}", name
        assert resource["Metadata"]["BuildMethod"] == "rust-cargolambda", name
        assert resource["Properties"]["FunctionName"] == {"Fn::Sub": f"${{AWS::StackName}}-{folder(resource)}"}, name


@pytest.mark.parametrize("name", FOLDERS)
def test_each_function_has_a_log_that_forgets(name):
    logs = [resource["Properties"] for _, _, resource in resources(kind="AWS::Logs::LogGroup")]
    [log] = [log for log in logs if log["LogGroupName"] == f"/aws/lambda/the-Prefix-{name}"]
    assert log["RetentionInDays"]


@pytest.mark.parametrize("name", FOLDERS)
def test_each_function_has_an_alarm(name):
    [alarm] = [resource["Properties"] for _, _, resource in resources(kind="AWS::CloudWatch::Alarm")
               if resource["Properties"]["AlarmName"] == f"the-Prefix-{name}-failing"]
    assert f"'the-Prefix-{name}'" in str(alarm["Metrics"]) and alarm["AlarmActions"]


def test_what_fails_each_time_its_message_comes_rings_its_alarm():
    alarms = {str(resource["Properties"]["AlarmName"]): resource["Properties"]
              for _, _, resource in resources(kind="AWS::CloudWatch::Alarm")}
    seen = set()
    for resource in functions().values():
        for event in resource["Properties"].get("Events", {}).values():
            if event["Type"] == "SQS":
                queue = source("template")["Resources"][event["Properties"]["Queue"]["Fn::GetAtt"][0]]
                alarm = alarms[f"the-Prefix-{folder(resource)}-failing"]
                minutes = int(alarm["EvaluationPeriods"])
                assert alarm["DatapointsToAlarm"] == 2, alarm["AlarmName"]
                # One more: a failure and the next one may lie anywhere in their minutes.
                assert (minutes - 1) * 60 > queue["Properties"]["VisibilityTimeout"], alarm["AlarmName"]
                seen.add(folder(resource))
    assert seen == {"charge-worker", "import-products"}


def test_where_the_set_of_alarms_is_small_nothing_waits_for_one_that_is_not_there():
    found = load("template", "external")["Resources"]
    groups = {name: group["Properties"] for name, group in found.items()
              if group["Type"] == "AWS::CodeDeploy::DeploymentGroup"}
    assert len(groups) == len(functions()) - 1
    for name, group in groups.items():
        # Empty and not a list of an alarm without a name, which CodeDeploy would refuse.
        assert group.get("AlarmConfiguration", {}) == {}, name


@pytest.mark.parametrize("variant", ["production", "watched"])
def test_each_function_but_the_migration_is_rolled_back_by_its_alarm(variant):
    found = load("template", variant)["Resources"]
    for name, resource in functions().items():
        group = found.get(f"{name}DeploymentGroup")
        if name == "Migrate":
            assert group is None
        else:
            alarms = group["Properties"]["AlarmConfiguration"]["Alarms"]
            assert alarms == [{"Name": {"Fn::GetAtt": ["Observability", f"Outputs.{name}"]}}], name
            assert "DEPLOYMENT_STOP_ON_ALARM" in group["Properties"]["AutoRollbackConfiguration"]["Events"], name


@pytest.mark.parametrize("kind", source("template")["Parameters"]["DeploymentType"]["AllowedValues"])
def test_codedeploy_moves_the_traffic_except_unwatched(kind):
    # It refuses to begin while the alarm of a function is on, also all at once: there has to be a way without it, or
    # neither a correction nor the version before could be deployed.
    made = transformed({**PRODUCTION, "DeploymentType": kind})["Resources"]
    aliases = [resource for resource in made.values() if resource["Type"] == "AWS::Lambda::Alias"]
    assert len(aliases) == len(functions())
    moved = [alias for alias in aliases if "CodeDeployLambdaAliasUpdate" in alias.get("UpdatePolicy", {})]
    groups = [name for name, resource in made.items() if resource["Type"].startswith("AWS::CodeDeploy::DeploymentGroup")]
    # The migration's version is CloudFormation's own business.
    assert len(moved) == len(groups) == (0 if kind == "Unwatched" else len(functions()) - 1)


def test_what_samconfig_deploys_is_watched():
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert "Unwatched" not in str(environments)


def test_missed_sweeps_are_not_made_up_for_at_once():
    # Scheduler hands an event over to Lambda's own queue, where one that is throttled waits for up to six hours.
    found = load("template")["Resources"]
    kept = {resource["Properties"]["FunctionName"]["Ref"]: resource["Properties"] for resource in found.values()
            if resource["Type"] == "AWS::Lambda::EventInvokeConfig"}
    # Alarms of the others wait for two failures, of which Lambda's own retries are the second.
    assert set(kept) == {"OrderSweeper"}
    sweeper, schedule = kept["OrderSweeper"], source("template")["Resources"]["OrderSweeper"]["Properties"]["Events"]["Schedule"]
    assert schedule["Properties"]["ScheduleExpression"] == "rate(1 minute)" and sweeper["MaximumEventAgeInSeconds"] == 60
    # Where Scheduler hands it over.
    assert sweeper["Qualifier"] == "live" and "OrderSweeperAliaslive" in str(found["OrderSweeperSchedule"])


def test_nothing_changes_before_the_schema_is_ready():
    found = load("template")["Resources"]
    for name in functions():
        waits = name == "Migrate" or "Migration" in needs(found, name)
        assert waits, name
    assert found["Migration"]["Properties"]["Version"]["Ref"].startswith("MigrateVersion")
    assert "Observability" in needs(found, "Migrate")


@pytest.mark.parametrize("variant", ["production", "external", "edge"])
def test_the_migration_is_called_when_what_it_is_told_changes(variant):
    # CloudFormation calls it where one of its properties has changed, and for nothing else.
    found = load("template", variant)["Resources"]
    written = source("template")["Resources"]["Migrate"]["Properties"]["Environment"]["Variables"]
    told = {setting: value for setting, value in found["Migrate"]["Properties"]["Environment"]["Variables"].items()
            if setting in written}
    # A secret keeps its address; that there is another value in it is told by a number.
    secrets = {name for name, resource in found.items() if resource["Type"] == "AWS::SecretsManager::Secret"}
    assert {"TokenKeyRotation", "EdgeSecretRotation"} <= made_of(found["Migration"]["Properties"])
    assert made_of(told) - secrets <= made_of(found["Migration"]["Properties"])
    assert made_of(told["DATABASE_DIRECT_URL"])


def made_of(value):
    """The parameters, resources and outputs that a value is made of."""
    text = str(value)
    return ({name for name in re.findall(r"'Ref': '(\w+)'", text)} | set(re.findall(r"\$\{(\w+)\}", text))
            | {".".join(found) for found in re.findall(r"'Fn::GetAtt': \['(\w+)', '([\w.]+)'\]", text)})


def needs(found, name, seen=None):
    """What has to be there before `name`, by reference or by DependsOn."""
    seen = set() if seen is None else seen
    resource = found[name]
    text = str({key: value for key, value in resource.items() if key != "Metadata"})
    named = set(re.findall(r"'(?:Ref|Fn::GetAtt)': \[?'([A-Za-z0-9]+)", text)) | set(re.findall(r"\$\{([A-Za-z0-9]+)[.}]", text))
    depends = resource.get("DependsOn", [])
    named |= set([depends] if isinstance(depends, str) else depends)
    for other in (named & set(found)) - seen:
        seen.add(other)
        needs(found, other, seen)
    return seen


def test_nothing_needs_itself():
    for template in ["template", *NESTED]:
        found = load(template)["Resources"]
        for name in found:
            assert name not in needs(found, name), name


def test_no_function_outlives_the_gateway_that_waits_for_it():
    for name, resource in functions().items():
        if is_endpoint(resource):
            assert resource["Properties"].get("Timeout", 10) < 30, name


def test_nothing_that_is_deployed_kills_itself():
    # The feature of the chaos run (shared/src/kill_point.rs): no function turns it on, and it is not on by default.
    shared = tomllib.loads((ROOT / "shared/Cargo.toml").read_text())
    assert "kill-points" in shared["features"] and "kill-points" not in str(shared["features"]["default"])
    manifests = [ROOT / "Cargo.toml", *ROOT.glob("functions/*/Cargo.toml")]
    for manifest in manifests:
        assert "kill-points" not in manifest.read_text(), manifest
    for name, resource in functions().items():
        assert set(resource["Metadata"]["BuildProperties"]) == {"Binary"}, name

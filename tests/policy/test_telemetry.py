"""What the functions measure is explained, looked at, and each stack's own."""

import json
import re

import pytest
from templates import ROOT, load, resources, source

OPERATIONS = (ROOT / "docs/operations.md").read_text()

# Not on the dashboard, for a reason. Each is in the line of its request, and no metric: that would be paid for.
LEFT_OUT = {
    "CacheWaited": "part of the hits",
    "CacheRefreshed": "the ordinary way of an entry that expires",
    "CacheFilled": "nearly all misses",
    "CacheFillDropped": "right, and harmless: an update came between",
    "CacheGaveUp": "shows as a miss and as latency",
    "RateAllowed": "nearly all requests",
    "BreakerAllowed": "calls of the provider are there, which is what it allows",
    "BreakerProbed": "a few while it is open, which is there",
    "BreakerDegraded": "requests without Valkey are there",
    "RedisLeftAlone": "follows from RedisAway",
    "RedisRoundTrips": "a cost that ./dev bench watches, not a state",
    "DatabaseRoundTrips": "a cost that ./dev bench watches, not a state",
    "DatabaseDiscarded": "shows as a connection opened",
    "QueueSent": "the queue's own figures are there",
}


def written():
    """The metrics of the code: (kind, name)."""
    text = (ROOT / "shared/src/telemetry/metrics.rs").read_text()
    blocks = re.findall(r"^metrics! \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    found = [(re.search(r"^    (\w+) \{$", block, re.MULTILINE)[1], name)
             for block in blocks for name in re.findall(r"^        (\w+),$", block, re.MULTILINE)]
    assert len({kind for kind, _ in found}) == len(blocks) == 3
    return {name for _, name in found} | {"Latency"}


def widgets():
    [dashboard] = resources(kind="AWS::CloudWatch::Dashboard")
    return json.loads(dashboard[2]["Properties"]["DashboardBody"])["widgets"]


def graphed():
    """Metrics of our own on the dashboard."""
    names = set()
    for widget in widgets():
        for metric in widget["properties"]["metrics"]:
            if metric[0] == "the-MetricsNamespace":
                names.add(metric[1])
            elif isinstance(metric[0], dict):
                names |= set(re.findall(r'MetricName="(\w+)"', metric[0]["expression"]))
    return names


def watched():
    """Metrics of our own that an alarm watches."""
    text = str([resource for _, _, resource in resources(kind="AWS::CloudWatch::Alarm")])
    return set(re.findall(r"'Namespace': 'the-MetricsNamespace', 'MetricName': '(\w+)'", text))


def test_every_metric_is_explained():
    explained = set(re.findall(r"`(\w+)`", OPERATIONS))
    assert written() <= explained, written() - explained


def test_every_metric_is_on_the_dashboard_or_left_out_for_a_reason():
    assert graphed() | set(LEFT_OUT) == written()
    assert not graphed() & set(LEFT_OUT)


def test_what_nothing_draws_or_watches_is_no_metric():
    source = (ROOT / "shared/src/telemetry/metrics.rs").read_text()
    unpaid = re.search(r"fn is_no_metric\(self\) -> bool \{(.*?)\n    \}", source, re.DOTALL)[1]
    assert set(re.findall(r"Self::(\w+)", unpaid)) == set(LEFT_OUT)
    told = re.search(r"^In the line alone[^:]*: (.*?)\n\n", OPERATIONS, re.MULTILINE | re.DOTALL)[1]
    assert set(re.findall(r"`(\w+)`", told)) == set(LEFT_OUT)


def test_what_an_idle_shop_is_said_to_write_are_metrics():
    idle = re.search(r"^- \*\*What is written even without any request\*\*: (.*?)\.", OPERATIONS, re.MULTILINE | re.DOTALL)[1]
    names = re.findall(r"`(\w+)`", idle)
    assert len(set(names)) == len(names) and set(names) <= written() - set(LEFT_OUT) - {"Latency"}
    [row] = re.findall(r"^\| metrics that `order-sweeper` and .*", OPERATIONS, re.MULTILINE)
    assert re.findall(r" (\d+): ", row) == [str(len(names))] * 3


def test_every_metric_that_an_alarm_watches_is_written_and_graphed():
    assert len(watched()) >= 5
    assert watched() <= written() & graphed()


def test_no_two_widgets_of_the_dashboard_lie_on_each_other():
    taken = set()
    for widget in widgets():
        cells = {(x, y) for x in range(widget["x"], widget["x"] + widget["width"])
                 for y in range(widget["y"], widget["y"] + widget["height"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, widget["properties"]["title"]
        taken |= cells


def test_the_metrics_of_two_stacks_are_apart():
    # What is written, what alarms and dashboard read: one name, and the stack's own is part of it.
    handed = source("template")["Resources"]["Observability"]["Properties"]["Parameters"]["MetricsNamespace"]
    assert handed == {"Fn::Sub": "Millrace/${AWS::StackName}"}
    for name, resource in load("template")["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            variables = resource["Properties"]["Environment"]["Variables"]
            assert variables["POWERTOOLS_METRICS_NAMESPACE"] == handed, name
    spaces = re.findall(r"'Namespace': '([^']+)'", str(list(resources(kind="AWS::CloudWatch::Alarm"))))
    spaces += re.findall(r"\{\"([^\"]+)\",Route,StatusClass\}", str(widgets()))
    assert {space for space in spaces if not space.startswith("AWS/")} == {"the-MetricsNamespace"}


def of_aws(variant):
    """The metrics of AWS's own on the dashboard: (name, dimension)."""
    [dashboard] = resources(variant, "AWS::CloudWatch::Dashboard")
    widgets = json.loads(dashboard[2]["Properties"]["DashboardBody"])["widgets"]
    return {(metric[1], metric[2]) for widget in widgets for metric in widget["properties"]["metrics"]
            if str(metric[0]).startswith("AWS/") and isinstance(metric[2], str)}


def test_what_the_design_claims_is_seen_from_outside():
    # That no statement pins a connection of RDS Proxy, and that Valkey refuses nothing over its limit. Which of the two
    # dimensions serverless caches report under, AWS's own sources do not agree on.
    cache = {(name, dimension) for name in ["BytesUsedForCache", "ElastiCacheProcessingUnits", "ThrottledCmds"]
             for dimension in ["clusterId", "ServerlessCacheName"]}
    proxy = {(name, "ProxyName") for name in ["ClientConnections", "DatabaseConnections",
                                              "DatabaseConnectionsCurrentlySessionPinned"]}
    assert cache | proxy <= of_aws("production")
    assert cache <= of_aws("test") and not proxy & of_aws("test")
    alarms = {resource["Properties"].get("MetricName"): resource["Properties"]
              for _, _, resource in resources("production", "AWS::CloudWatch::Alarm")}
    pinned = alarms["DatabaseConnectionsCurrentlySessionPinned"]
    assert (pinned["Threshold"], pinned["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert pinned["Period"] * pinned["EvaluationPeriods"] == 300


def test_the_alarm_of_refused_events_goes_off_where_none_was_accepted():
    [alarm] = [one["Properties"] for _, _, one in resources(kind="AWS::CloudWatch::Alarm")
               if "EventsRefused" in str(one["Properties"].get("Metrics"))]
    parts = {part["Id"]: part for part in alarm["Metrics"]}
    accepted = parts["accepted"]["MetricStat"]
    assert (accepted["Stat"], accepted["Metric"]["MetricName"]) == ("SampleCount", "Latency")
    assert {one["Name"]: one["Value"] for one in accepted["Metric"]["Dimensions"]} == {
        "Route": "POST /api/webhooks/payments", "StatusClass": "2xx"}
    assert parts["refused"]["MetricStat"]["Stat"] == "Sum"
    assert {part["MetricStat"]["Period"] for part in parts.values() if "MetricStat" in part} == {900}

    # CloudWatch's two functions, so that its expression can be asked. What was not counted is missing.
    def rings(refused, accepted):
        known = {"IF": lambda holds, then, otherwise: then if holds else otherwise,
                 "FILL": lambda value, gap: gap if value is None else value, "refused": refused, "accepted": accepted}
        [expression] = [part["Expression"] for part in parts.values() if "Expression" in part]
        return eval(expression, known) > alarm["Threshold"]

    assert rings(1, None) and rings(7, 0)
    assert not rings(7, 1) and not rings(None, 1) and not rings(None, None)


@pytest.mark.parametrize("variant", ["production", "external"])
def test_a_sweeper_that_fails_is_as_silent_as_one_that_does_not_run(variant):
    # With the small set nothing else tells that a shop in which nobody asks has lost its database.
    [alarm] = [one["Properties"] for _, name, one in resources(variant, "AWS::CloudWatch::Alarm") if name == "SweeperSilent"]
    sweeper = (ROOT / "functions/order-sweeper/src/main.rs").read_text()
    assert re.findall(r"if let Ok\((\w+)\) = &\1 \{\s*telemetry::set\(Gauge::(\w+), ", sweeper) == [("oldest", alarm["MetricName"])]
    assert alarm["Statistic"] == "SampleCount" and alarm["TreatMissingData"] == "breaching"


def test_the_alarm_of_orders_that_need_a_person_stays_while_one_waits():
    # Of shared/src/checkout/lease.rs: the longest time until such an order is looked at again.
    seldom = int(re.search(r"SELDOM: Duration = Duration::from_hours\((\d+)\)", (ROOT / "shared/src/checkout/lease.rs").read_text())[1])
    [alarm] = [one["Properties"] for _, name, one in resources(kind="AWS::CloudWatch::Alarm") if name == "OperatorNeeded"]
    assert alarm["DatapointsToAlarm"] == 1
    assert alarm["Period"] * (alarm["EvaluationPeriods"] - 1) >= seldom * 3600

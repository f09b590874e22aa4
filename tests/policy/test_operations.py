"""docs/operations.md explains everything that the templates make people meet."""

import json
import re

import pytest
from templates import ENVIRONMENTS, ROOT, overrides, resources, source
from test_access import with_setting
from test_functions import folder, functions, is_endpoint

OPERATIONS = (ROOT / "docs/operations.md").read_text()


def anchor(heading):
    """The name under which a heading can be linked to, as on GitHub."""
    return re.sub(r"[^a-z0-9 -]", "", heading.strip().lower()).replace(" ", "-")


ANCHORS = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", OPERATIONS, re.MULTILINE)}


def test_every_alarm_names_a_section_that_exists():
    for _, name, resource in resources(kind="AWS::CloudWatch::Alarm"):
        document, _, section = resource["Properties"]["AlarmDescription"].rpartition(" ")[2].partition("#")
        assert document == "docs/operations.md" and section in ANCHORS, (name, section)


def under(heading):
    """What stands under a heading, up to the next one of its kind."""
    marks = heading.partition(" ")[0]
    return OPERATIONS.partition(f"\n{heading}\n")[2].partition(f"\n{marks} ")[0]


def alarms(variant):
    """Of each alarm its name without the stack's, and its section."""
    named = {}
    for _, _, resource in resources(variant, "AWS::CloudWatch::Alarm"):
        properties = resource["Properties"]
        name = re.search(r"(?:the-Prefix|\$\{AWS::StackName\})-([a-z-]+)", str(properties["AlarmName"]))[1]
        named[name] = properties["AlarmDescription"].rpartition("#")[2]
    return named


def test_what_the_small_set_leaves_out_is_told_by_what_it_keeps_or_said_to_be_told_by_no_alarm():
    kept, left_out = alarms("external"), set(alarms("watched")) - set(alarms("external"))
    rows = dict(re.findall(r"^\| (.*) \| (.*) \|$", under("### The small set"), re.MULTILINE)[1:])
    told = {name: text for cell, text in rows.items() for name in re.findall(r"`([a-z-]+)`", cell)}
    endpoints = {f"{folder(resource)}-failing" for resource in functions().values() if is_endpoint(resource)}
    assert endpoints < left_out and set(told) == left_out - endpoints
    told["an endpoint"] = rows["an endpoint's own"]
    for name, text in told.items():
        teller = set(re.findall(r"\(#([a-z-]+)\)", text))
        assert teller & set(kept.values()) or text.startswith("no alarm: "), name


@pytest.mark.parametrize("name", source("template")["Parameters"])
def test_every_parameter_is_explained_twice(name):
    description = source("template")["Parameters"][name]["Description"]
    assert len(description.split()) >= 8, description
    assert f"`{name}`" in OPERATIONS


def test_the_rows_of_a_table_have_as_many_cells_as_its_heading():
    for table in re.findall(r"^\|.*\n(?:\|.*\n)+", OPERATIONS, re.MULTILINE):
        cells = {len(re.findall(r"(?<!^)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1, table


# In the provider's words.
THEIRS = {"Invalid API version"}


def test_every_reason_for_calling_a_person_is_one_that_the_code_writes():
    section = OPERATIONS.partition("\n### An order needs a person\n")[2].partition("\n### ")[0]
    reasons = set(re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (.*?) \| ", section, re.MULTILINE)))) - THEIRS
    code = "".join(path.read_text() for folder in ["shared/src", "functions"] for path in (ROOT / folder).rglob("*.rs"))
    written = re.sub(r"\{[^{}\n]*\}", "{}", code)
    # A status or a code of the provider's stands where the code has a placeholder.
    texts = {re.sub(r"\b(\d+|[a-z]+(_[a-z]+)+)\b", "{}", reason) for reason in reasons}
    assert len(texts) > 12 and not [text for text in texts if text not in written]


def test_every_output_is_explained():
    for output in source("template")["Outputs"]:
        assert f"`{output}`" in OPERATIONS, output


@pytest.mark.parametrize(
    ("secret", "setting"),
    [
        ("payment key", "PAYMENTS_KEY_ARN"),
        ("webhook secret", "PAYMENTS_WEBHOOK_SECRET_ARN"),
        ("signing key of access tokens", "TOKEN_PRIVATE_KEY_ARN"),
    ],
)
def test_who_reads_a_secret_is_who_its_row_says(secret, setting):
    readers = re.search(rf"^\| {secret} \| (.*?) \|", OPERATIONS, re.MULTILINE)[1]
    template = source("template")["Resources"]
    functions = {template[name]["Properties"]["CodeUri"].strip("/").rpartition("/")[2] for name in with_setting(setting)}
    assert set(re.findall(r"`([a-z-]+)`", readers)) == functions


USED = re.compile(r"\$\{?([A-Za-z_]\w*)")
SET = re.compile(r"(?:^|[\s;(`])(?:export )?([A-Za-z_]\w*)=|read -rs (\w+)", re.MULTILINE)


@pytest.mark.parametrize("page", ["operations", "external", "tour"])
def test_what_a_command_has_a_name_for_is_set_on_its_page(page):
    text = (ROOT / f"docs/{page}.md").read_text()
    commands = re.findall(r"^ {4,}.*$|^```sh\n(?:.*\n)*?```$", text, re.MULTILINE) + re.findall(r"`([^`\n]+)`", text)
    known = {name for found in SET.findall(text) for name in found}
    if ". .dev/env" in text:
        paragraph = re.search(r"In `\.dev/env`,.*?\n\n|In `\.dev/env`,.*\Z", (ROOT / "docs/settings.md").read_text(), re.DOTALL)[0]
        known |= set(re.findall(r"`([A-Z_]+)`", paragraph))
    assert {name for command in commands for name in USED.findall(command)} <= known


def test_what_a_command_asks_the_stack_for_is_there():
    asked = set(re.findall(r"\$\(output (\w+)\)", OPERATIONS))
    assert len(asked) > 5 and asked <= set(source("template")["Outputs"])
    named = set(re.findall(r'--stack-name "\$(\w+)" --logical-resource-id (\w+)', OPERATIONS))
    templates = {"STACK": "template", "data": "data"}
    assert len(named) > 3 and all(name in source(templates[stack])["Resources"] for stack, name in named)


TEAR_DOWN = under("## Tear down")
# Who makes something by hand, outside of the stack, removes it by hand: which command undoes which.
UNDONE_BY = {
    "rds restore-db-cluster-to-point-in-time": "rds delete-db-cluster",
    "rds create-db-instance": "rds delete-db-instance",
    "rds create-db-cluster-snapshot": "rds delete-db-cluster-snapshot",
    "logs put-retention-policy": "logs delete-log-group",
    "logs put-account-policy": "logs delete-account-policy",
    "wafv2 create-web-acl": "wafv2 delete-web-acl",
    "acm request-certificate": "acm delete-certificate",
    "secretsmanager create-secret": "secretsmanager delete-secret",
}
# What goes with the stack, or is a figure of the account.
GOES_ALONG = {"secretsmanager put-secret-value", "lambda put-function-concurrency",
              "service-quotas request-service-quota-increase"}


def test_what_was_made_by_hand_is_torn_down_by_hand():
    text = OPERATIONS + (ROOT / "docs/external.md").read_text()
    made = set(re.findall(r"(?<![\w/.-])aws ([a-z0-9-]+ (?:create|put|restore|request)-[a-z-]+)", text)) - GOES_ALONG
    assert made == set(UNDONE_BY)
    for command in made:
        assert f"aws {UNDONE_BY[command]} --" in TEAR_DOWN, command


def test_nothing_is_asked_of_a_stack_that_is_gone():
    asked, deletion, gone = TEAR_DOWN.partition("\n    sam delete ")
    assert deletion and "$(output " in asked and "list-stack-resources" in asked
    assert not re.findall(r"\$\(output |aws cloudformation ", gone)
    # The answers are used.
    for name in re.findall(r"^    (\w+)=\$\(", asked, re.MULTILINE):
        assert f"${name}" in gone, name


def test_a_log_that_rds_makes_forgets_and_goes():
    [prefixes] = re.findall(r"LogGroupNamePrefix IN (\[.*?\])", OPERATIONS)
    groups = {f"/aws/rds/{kind}/" for kind in re.findall(r'-group-name "/aws/rds/(\w+)/', OPERATIONS)}
    assert groups == set(json.loads(prefixes)) == {"/aws/rds/cluster/", "/aws/rds/proxy/"}
    first = under("## After the first deployment").replace("\\\n", " ")
    for group in groups:
        assert re.search(rf'put-retention-policy [^\n]*"{group}', first), group
        assert f'delete-log-group --log-group-name "{group}' in TEAR_DOWN, group


def test_a_restore_of_everything_removes_its_helper_too():
    some, everything = under("## Backup and restore").split("**Everything was lost.**")
    for way in [some, everything.partition("sam deploy")[2], TEAR_DOWN]:
        assert 'delete-db-instance --db-instance-identifier "$STACK-restored-1"' in way
        assert 'delete-db-cluster --db-cluster-identifier "$STACK-restored"' in way
    # A deployment may ask for it again.
    assert "delete-db-cluster-snapshot" not in everything


def test_as_many_deployments_begin_at_once_as_is_said():
    groups = list(resources("production", "AWS::CodeDeploy::DeploymentGroup"))
    assert f"begins {len(groups)} deployments at once" in " ".join(under("## Deploy").split())


def test_the_way_to_a_sale_on_aws_is_the_one_of_the_tour():
    tour = (ROOT / "docs/tour.md").read_text().partition("\n## Run the shop\n")[2]
    walk = re.search(r"^```sh\n(.*?)^```$", tour, re.MULTILINE | re.DOTALL)[1]
    section = OPERATIONS.partition("\n### Sell something\n")[2].partition("\n## ")[0]
    assert len(walk.splitlines()) > 10 and walk in re.sub(r"^ {4}", "", section, flags=re.MULTILINE)


def test_the_load_test_reckons_with_what_is_said_of_it_and_with_no_more_than_on_aws():
    section = " ".join(under("## Scale").split())
    on_aws = re.search(r"a read takes (\d+) ms, a search (\d+) ms, a login (\d+) ms and a checkout ([\d.]+) s", section)
    here = re.search(r"environments for (\d+), (\d+) and (\d+) ms and ([\d.]+) s", section)
    code = (ROOT / "local/customers/src/journeys.rs").read_text().partition("fn busy(self)")[2]
    reckoned = [re.search(rf"Self::{journey}\b.* => ([\d_]+),", code)[1]
                for journey in ["Product", "Search", "Login", "Checkout"]]
    on_aws, here = ([*map(float, said.groups()[:3]), float(said[4]) * 1000] for said in (on_aws, here))
    assert here == [float(number) for number in reckoned]
    assert all(less <= more for less, more in zip(here, on_aws)) and here[3] == on_aws[3]


# Of an account, for good.
FREE_METRICS_OF_ALARMS, FREE_METRICS_OF_A_DASHBOARD = 10, 50
COSTS = under("## Costs")
SIZES = ["external", "test", "production"]


def cells(beginning):
    """A row of the table of costs, by what its first cell begins with: size → cell."""
    [row] = re.findall(rf"^\| {re.escape(beginning)}[^|]*\| (.*) \|$", COSTS, re.MULTILINE)
    return dict(zip(SIZES, row.split(" | "), strict=True))


def watched(variant):
    """An alarm is charged by the metrics that it looks at."""
    found = [resource["Properties"] for _, _, resource in resources(variant, "AWS::CloudWatch::Alarm")]
    return sum(sum("MetricStat" in part for part in alarm.get("Metrics", [{"MetricStat": {}}])) for alarm in found)


@pytest.mark.parametrize("size", SIZES)
def test_what_the_table_of_costs_counts_is_there(size):
    def counted(beginning):
        return int(re.search(r"(\d+):", cells(beginning)[size])[1])

    assert counted("metrics that alarms watch") == watched(size)
    assert counted("the alarms' key, and secrets") == len(list(resources(size, "AWS::SecretsManager::Secret")))


def test_what_an_idle_shop_on_servers_of_yours_watches_is_free():
    # As samconfig.toml deploys it.
    [environment] = [name for name in ENVIRONMENTS if overrides(name)["Size"] == "external"]
    assert environment == "external" and watched(environment) <= FREE_METRICS_OF_ALARMS
    assert f"`AlarmSet=full` {watched('watched')}: " in cells("metrics that alarms watch")["external"]
    [(_, _, dashboard)] = resources("external", "AWS::CloudWatch::Dashboard")
    widgets = json.loads(dashboard["Properties"]["DashboardBody"])["widgets"]
    drawn = [metric for widget in widgets for metric in widget["properties"]["metrics"] if isinstance(metric[0], str)]
    assert f"names {len(drawn)} " in " ".join(COSTS.split()) and len(drawn) <= FREE_METRICS_OF_A_DASHBOARD


@pytest.mark.parametrize("size", SIZES)
def test_prices_of_the_table_of_costs_add_up_and_are_the_ones_said_elsewhere(size):
    rows = [row.split(" | ")[SIZES.index(size)]
            for row in re.findall(r"^\| (?!\*\*|---)[^|]+\| (.*) \|$", COSTS, re.MULTILINE)]
    # Of a cell with two prices the first is this size's own, with its defaults or samconfig.toml's parameters.
    prices = [int(found[1]) for row in rows if (found := re.search(r"\$(\d+)", row))]
    assert len(prices) > 3
    total = cells("**together**")[size]
    assert total == f"**from ${sum(prices)}**"
    said = {"external": [("README.md", r"elsewhere\s+it\s+costs\s+from\s+\$(\d+)"), ("docs/external.md", r"\[from\s+\$(\d+)\s")],
            "test": [("README.md", r"small\s+variant\s+costs\s+about\s+\$(\d+)")]}
    for name, pattern in said.get(size, []):
        assert re.findall(pattern, (ROOT / name).read_text()) == [str(sum(prices))], name

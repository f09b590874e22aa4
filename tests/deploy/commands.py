"""The commands of docs/operations.md and docs/external.md, run by the AWS CLI against what was deployed."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
# What an emulator says that has not learnt a call.
UNKNOWN = re.compile(r"NotImplemented|not yet implemented|has not been implemented|Internal Server Error|UnknownOperation|"
                     r"NoSuchResourceException")
# What a reader has to put there himself.
TO_FILL_IN = re.compile(r"…|<[a-zA-Z]|subnet-0|\$1\b|\$host|\$2\b|file://|-version 41|spring\.csv")
# Of what is there only after something else was done, or costs: said, and not run.
BY_HAND = re.compile(r"/aws/rds/|-restored|generate-db-auth-token| wait |cancel-update|continue-update|delete-(?:secret|web-acl|account-policy)|describe-availability-zones$| s3 rb | --follow$| help$")
# What a size lacks: one's own servers are asked in other ways, RDS Proxy stands in production alone, and `test` is
# rehearsed without an administrator's address.
NOT_HERE = {
    "external": re.compile(r"aws (rds|elasticache) |DatabaseClusterId|\$cluster|\$data|-id Data "),
    "test": re.compile(r"-db-proxy |\$first|AdministratorPassword"),
    "production": re.compile(r"(?!)"),
}


def rehearse_commands(stack, size, outputs, tools):
    """(outcome, command, what was said) of each: ran, unknown to the emulator, by hand, not here, or refused."""
    pages = ["operations", "external"] if size == "external" else ["operations"]
    text = "\n".join((DOCS / f"{page}.md").read_text() for page in pages).replace("\\\n", " ")
    found = dict.fromkeys(re.findall(r"(?<![\w/.-])aws [a-z0-9-]+ [a-z][a-z-]+ [^\n`;|#]+", text))
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "STACK": stack, "AWS_PAGER": "",
                   **{f"OUTPUT_{name}": value for name, value in outputs.items()}}
    with ThreadPoolExecutor(4) as workers:
        return list(workers.map(lambda command: _run(re.sub(r"\s+", " ", command).rstrip(") "), size, environment), found))


# The page's own function and variable, without a call for each.
SHELL = """output() { name=OUTPUT_$1; echo "${!name}"; }
cluster=$(output DatabaseClusterId)
"""
# What the page has asked for in the line before.
BEFORE = {
    "$first": """first=$(aws cloudformation describe-stack-resource --stack-name "$STACK" \\
      --logical-resource-id AdministratorPassword --query StackResourceDetail.PhysicalResourceId --output text)
""",
    "$data": (data := """data=$(aws cloudformation describe-stack-resource --stack-name "$STACK" --logical-resource-id Data \\
      --query StackResourceDetail.PhysicalResourceId --output text)
"""),
    "$made": data + """made=$(aws cloudformation describe-stack-resource --stack-name "$data" --logical-resource-id Database \\
      --query StackResourceDetail.PhysicalResourceId --output text)
""",
    "$key": """key=$(aws cloudformation describe-stack-resource --stack-name "$STACK" --logical-resource-id TokenPrivateKey \\
      --query StackResourceDetail.PhysicalResourceId --output text)
""",
    "$arn": """arn=$(aws sqs get-queue-attributes --queue-url "$(output DeadLetterQueueUrl)" --attribute-names QueueArn \\
      --query Attributes.QueueArn --output text)
""",
}


def _run(command, size, environment):
    if NOT_HERE[size].search(command):
        return "not here", command, f"is not for {size}"
    if TO_FILL_IN.search(command):
        return "by hand", command, "has a value of the reader's in it"
    if BY_HAND.search(command):
        return "by hand", command, "is for a moment that a rehearsal does not have"
    # An option of the CLI's second version, which PyPI does not have.
    script = command.replace(" --cli-binary-format raw-in-base64-out", "")
    script = "".join(text for name, text in BEFORE.items() if name in script) + script
    # For queues alone the CLI does not believe AWS_ENDPOINT_URL.
    script = script.replace("aws sqs ", 'aws --endpoint-url "$AWS_ENDPOINT_URL" sqs ')
    try:
        ran = subprocess.run(["bash", "-c", SHELL + script], env=environment, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "unknown", command, "no answer within a minute"
    said = ran.stderr.strip().splitlines()[-1:] or [""]
    if ran.returncode == 0:
        return "ran", command, ""
    return ("unknown" if UNKNOWN.search(ran.stderr) else "refused"), command, said[0][:200]

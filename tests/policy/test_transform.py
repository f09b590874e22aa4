"""What SAM makes of template.yaml, as the linter sees it: circular references and the like show only in that."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from templates import VARIANTS, load

# W2001: no variant needs every parameter. W7001: SAM has looked into the mapping, and nothing does any more. ES1001
# asks for a failure destination, which an SQS source has in its queue's dead-letter queue. The others are those of
# template.yaml itself, whose own list does not count once there is one here.
IGNORED = ["W2001", "W7001", "ES1001", "WS1004", "ES6000"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_transformed_template_is_good_cloudformation(variant, tmp_path):
    template = tmp_path / "template.json"
    template.write_text(json.dumps(load("template", variant)))
    linter = Path(sys.executable).with_name("cfn-lint")
    command = [linter, "--append-rules", "cfn_lint_serverless.rules", "--ignore-checks", *IGNORED, "--", template]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr

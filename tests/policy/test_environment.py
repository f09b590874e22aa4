"""What somebody's shell holds for other programs does not reach the local cloud: `./dev` hands over without it."""

import os
import shutil
import subprocess

from templates import ROOT


def handed_over(tmp_path, **shell):
    """The environment of the program that `./dev` hands over to, when the shell has this in its own."""
    (tmp_path / "local/dev").mkdir(parents=True)
    for name in ("dev", "local/dev/help.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    program = tmp_path / "target/debug/dev"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"} | shell
    status = subprocess.run(["./dev", "status"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in status.stdout.splitlines() if "=" in line)


def test_what_is_meant_for_aws_psql_and_cargo_is_left_out(tmp_path):
    environment = handed_over(
        tmp_path, AWS_PROFILE="work", AWS_ENDPOINT_URL_SQS="http://127.0.0.1:9", PGOPTIONS="-c search_path=x",
        CARGO_BUILD_TARGET="wasm32-wasip1", PAGER="less"
    )
    assert not [name for name in environment if name.startswith(("AWS_", "PG", "CARGO_BUILD_TARGET"))]
    assert environment["PAGER"] == "less"


def test_a_proxy_is_not_asked_for_what_listens_here(tmp_path):
    environment = handed_over(tmp_path, http_proxy="http://proxy.example", no_proxy="intranet.example")
    for name in ("no_proxy", "NO_PROXY"):
        assert {"127.0.0.1", "localhost", "intranet.example"} <= set(environment[name].split(","))

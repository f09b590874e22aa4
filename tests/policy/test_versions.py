"""Each deployment makes new versions of all functions: callers go through an alias, and what an alias points at is not
reached by a change of the function itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from templates import EXTERNAL, PRODUCTION, ROOT, TEST, source, transformed


def versions(parameters, layer="s3://artifacts/built-at-noon"):
    """What SAM calls the versions of the functions. CloudFormation publishes one when a name is new, and only then."""
    return {name for name, resource in transformed(parameters, layer)["Resources"].items()
            if resource["Type"] == "AWS::Lambda::Version"}


@pytest.mark.parametrize("parameters", [TEST, PRODUCTION, EXTERNAL])
def test_another_build_makes_new_versions_of_all_functions(parameters):
    noon, later = versions(parameters), versions(parameters, "s3://artifacts/built-later")
    functions = [resource for resource in source("template")["Resources"].values()
                 if resource["Type"] == "AWS::Serverless::Function"]
    assert len(noon) == len(later) == len(functions)
    assert not noon & later


@pytest.mark.parametrize(("parameter", "value"), [("TokenKeyRotation", "2"), ("LogLevel", "DEBUG"), ("PaymentsRateLimit", "75"),
                                                  ("TokenIssuer", "https://id.example.com"), ("DatabaseSnapshot", "restored")])
def test_sam_makes_no_new_version_for_a_parameter_alone(parameter, value):
    # Why there has to be another build. When this fails SAM has learnt to look at values: the time in the layer may go.
    assert versions({**PRODUCTION, parameter: value}) == versions(PRODUCTION)


@pytest.mark.skipif(not shutil.which("make"), reason="sam build needs make for the layer, and there is none")
def test_every_build_makes_another_layer_with_all_certificates(tmp_path):
    def built(folder):
        # Of this one resource, and so without a compiler.
        command = [Path(sys.executable).with_name("sam"), "build", "DatabaseAuthorities", "--build-dir", folder]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env={**os.environ, "SAM_CLI_TELEMETRY": "0"})
        return {path.name: path.read_bytes() for path in (folder / "DatabaseAuthorities").iterdir()}

    first, second = built(tmp_path / "first"), built(tmp_path / "second")
    certificates = {path.name: path.read_bytes() for path in ROOT.glob("infrastructure/certificates/*.pem")}
    assert "rds.pem" in certificates
    assert set(first) == set(second) == {*certificates, "built"}
    assert {name: first[name] for name in certificates} == {name: second[name] for name in certificates} == certificates
    assert first["built"] != second["built"]

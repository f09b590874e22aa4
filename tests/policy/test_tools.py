"""Whether `./dev` believes that a tool's Python environment is there."""

import os
import shutil
import subprocess

import pytest
from templates import ROOT

# Stand where the servers and the compiler would; nothing of theirs is done.
PRESENT = ("cargo", "initdb", "pgbouncer", "postgres", "psql", "redis-server")
# Makes an environment whose pip notes each installation and fails if told to, and whose Python is broken if told to.
PYTHON = r"""#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 0
mkdir -p "$3/bin"
printf '#!/bin/sh\necho installed >>%s\nexit ${PIP_FAILS:-0}\n' "$INSTALLED" >"$3/bin/pip"
printf '#!/bin/sh\nexit ${PYTHON_IS_BROKEN:-0}\n' >"$3/bin/python"
chmod 755 "$3/bin/pip" "$3/bin/python"
"""


@pytest.fixture
def up(tmp_path):
    """Runs `./dev up` with a list of packages; how it ended, and how often something was installed so far."""
    programs, installed = tmp_path / "bin", tmp_path / "installed"
    clone = tmp_path / "clone"
    for name in ("dev", "local/dev/help.txt"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    scripts = {programs / name: "#!/bin/sh\n" for name in PRESENT}
    for script, text in {**scripts, programs / "python3": PYTHON, clone / "target/debug/dev": "#!/bin/sh\n"}.items():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(text)
        script.chmod(0o755)
    (clone / "local/tools").mkdir()

    def up(packages, **shell):
        (clone / "local/tools/cloud.txt").write_text(packages)
        environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "INSTALLED": str(installed), **shell}
        status = subprocess.run(["./dev", "up"], cwd=clone, env=environment, capture_output=True).returncode
        return status, len(installed.read_text().splitlines())

    return up


def test_an_environment_is_made_once(up):
    assert up("a==1\n") == (0, 1)
    assert up("a==1\n") == (0, 1)
    assert up("a==2\n") == (0, 2)


def test_after_an_installation_that_failed_going_back_installs_again(up):
    assert up("a==1\n") == (0, 1)
    assert up("a==2\n", PIP_FAILS="1") == (1, 2)
    assert up("a==1\n") == (0, 3)


def test_an_environment_whose_python_does_not_run_is_made_anew(up):
    assert up("a==1\n") == (0, 1)
    assert up("a==1\n", PYTHON_IS_BROKEN="1") == (0, 2)
    assert up("a==1\n") == (0, 2)

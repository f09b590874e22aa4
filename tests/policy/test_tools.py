"""Whether `./dev` believes that a tool's Python environment is there, and what it leaves behind where it installs."""

import os
import re
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

    def up(packages, at=clone, **shell):
        (clone / "local/tools/cloud.txt").write_text(packages)
        environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "INSTALLED": str(installed), **shell}
        status = subprocess.run([clone / "dev", "up"], cwd=at, env=environment, capture_output=True).returncode
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


@pytest.mark.parametrize("fails", [0, 1])
@pytest.mark.parametrize("before", [None, "somebody else's"])
def test_debian_starts_no_service_meanwhile_and_a_policy_is_as_it_was_before(tmp_path, before, fails):
    policy, seen, programs = tmp_path / "policy-rc.d", tmp_path / "seen", tmp_path / "bin"
    programs.mkdir()
    for name, text in {"apt-get": f'cat "{policy}" >>"{seen}"; exit {fails}', "systemctl": "exit 0"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    if before:
        policy.write_text(before)
    function = re.search(r"^apt_install\(\) .*?^[)}]$", (ROOT / "dev").read_text(), re.MULTILINE | re.DOTALL)[0]
    function = function.replace("/usr/sbin/policy-rc.d", str(policy))
    # As `./dev` goes on where it can do without.
    script = f"set -eu\nas_root=\ntools={tmp_path}\n{function}\napt_install chromium || true\nexec true\n"
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", script], env=environment, check=True, capture_output=True)
    assert (before or "exit 101") in seen.read_text()
    assert (policy.read_text() if policy.exists() else None) == before


def test_a_python_that_is_too_old_is_refused_with_a_sentence(up, tmp_path):
    python = tmp_path / "bin/python3"
    python.write_text(PYTHON.replace("#!/bin/sh\n", '#!/bin/sh\ncase "$*" in *version_info*) exit 1 ;; esac\n', 1))
    (tmp_path / "installed").write_text("")
    assert up("a==1\n") == (1, 0)


def test_a_build_goes_where_it_is_looked_for_and_files_are_named_from_where_somebody_stands(up, tmp_path):
    program, told = tmp_path / "clone/target/debug/dev", tmp_path / "told"
    program.write_text(f'#!/bin/sh\necho "$MILLRACE_FROM $CARGO_TARGET_DIR" >"{told}"\n')
    assert up("a==1\n", at=tmp_path)[0] == 0
    # Cargo is told too: a file of its own settings may name another place.
    assert told.read_text() == f"{tmp_path} target\n"
    # Where cargo has built for another machine there is no such program.
    told.unlink()
    assert up("a==1\n", CARGO_TARGET_DIR="elsewhere")[0] == 1 and not told.exists()

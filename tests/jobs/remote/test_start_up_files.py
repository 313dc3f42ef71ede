"""The program's start reaches the system's own Python past what an account's start-up files define or print."""

import json
import subprocess
from pathlib import Path

import pytest

from jobs.remote.answer import RemoteFailed, new_marker, parse_answer
from jobs.remote.command_runner import PROGRAM_COMMAND
from tests.waiting import LIMIT

SOURCE = 'import json, os, sys; print(json.dumps({"state": sys.executable, "path": os.environ["HEADNODE_LOGIN_PATH"]}))'


def answer(home: Path, startup: str, shell: str = "bash") -> dict[str, object]:
    """Run the program as sshd does: a bash that takes itself for the first one reads ~/.bashrc for it."""
    (home / ".bashrc").write_text(startup)
    marker = new_marker()
    done = subprocess.run(
        [shell, "-c", PROGRAM_COMMAND],
        input=json.dumps({"source": SOURCE, "marker": marker}).encode(),
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "SSH_CLIENT": "127.0.0.1 1 2"},
        capture_output=True,
        timeout=2 * LIMIT,
        cwd=home,
    )
    return parse_answer(done.stdout, marker, done.returncode, done.stderr)


@pytest.mark.parametrize("shell", ["bash", "dash", "rbash", "sh"])
def test_every_shell_starts_it(tmp_path: Path, shell: str) -> None:
    assert str(answer(tmp_path, "", shell)["state"]).endswith("python3")


@pytest.mark.parametrize(
    "startup",
    [
        'echo hi; echo \'{"state": "ended", "exit_code": 0}\'',
        "printf '\\377\\000\\n'",
        "python3() { sleep 3600; }",
        "shopt -s expand_aliases; alias python3='sleep 3600'",
        "mkdir -p ~/bin; printf '#!/bin/sh\\nsleep 3600\\n' > ~/bin/python3; chmod +x ~/bin/python3; PATH=~/bin:$PATH",
        "export PYTHONPATH=$HOME PYTHONSTARTUP=$HOME/json.py; echo 'raise SystemExit(9)' > ~/json.py",
        "export PYTHONHOME=/nowhere",
        "trap 'echo bye' EXIT",
        "set -u; set -e; set -f; IFS=o",
    ],
)
def test_what_the_user_defined_is_not_run(tmp_path: Path, startup: str) -> None:
    found = answer(tmp_path, startup)
    assert str(found["state"]).startswith("/usr/bin/python3")
    assert "/usr/bin" in str(found["path"])


def test_the_login_path_is_handed_on(tmp_path: Path) -> None:
    assert answer(tmp_path, "PATH=/opt/solver:$PATH")["path"] == "/opt/solver:/usr/bin:/bin"


def test_a_json_module_in_the_home_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    assert answer(tmp_path, "")["state"]


@pytest.mark.parametrize("startup", ["exit 3", "exec true", "cat > /dev/null"])
def test_what_keeps_it_from_starting_is_a_failure(tmp_path: Path, startup: str) -> None:
    with pytest.raises(RemoteFailed):
        answer(tmp_path, startup)

"""`manage.py` works on the portal that `make run` started, without exported variables."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from portal.embedded import instance
from tests.stack import ROOT, Stack, clean_environment


def manage(var: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run manage.py as a user does: with HEADNODE_VAR at most."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean_environment() | {"HEADNODE_VAR": str(var)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.acceptance
def test_a_person_is_added_without_exporting_anything(stack: Stack) -> None:
    done = manage(stack.var, "add_person", "dora", HEADNODE_NEW_PASSWORD="a-long-password-of-dora")
    assert done.returncode == 0, done.stderr
    assert "Added dora" in done.stdout
    again = manage(stack.var, "add_person", "dora", HEADNODE_NEW_PASSWORD="a-long-password-of-dora")
    assert again.returncode == 1
    assert "dora" in again.stderr, "it is the same database"


@pytest.mark.acceptance
def test_it_is_private_and_holds_no_secret(stack: Stack) -> None:
    file = stack.var / instance.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = (stack.var / "secret-key").read_text().strip()
    assert secret not in file.read_text()
    assert "HEADNODE_ADMIN_PASSWORD" not in json.loads(file.read_text())


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A folder of an instance that has run."""
    instance.remember(tmp_path, {"HEADNODE_DEMO": "1", "REDIS_URL": "unix:///r.sock", "PATH": "/bin"})
    (tmp_path / instance.SECRET_FILE).write_text("x" * 48 + "\n")
    return tmp_path


def test_what_the_environment_sets_stays(var: Path) -> None:
    environ = {"HEADNODE_VAR": str(var), "REDIS_URL": "redis://elsewhere"}
    instance.adopt(environ)
    assert environ["REDIS_URL"] == "redis://elsewhere"
    assert environ["HEADNODE_SECRET_KEY"] == "x" * 48
    assert environ["HEADNODE_DEMO"] == "1"
    assert "PATH" not in environ


@pytest.mark.parametrize("name", ["HEADNODE_SECRET_KEY", "DATABASE_URL", "HEADNODE_DEMO"])
def test_whoever_says_which_portal_is_meant_is_not_overruled(var: Path, name: str) -> None:
    environ = {"HEADNODE_VAR": str(var), name: "mine"}
    instance.adopt(environ)
    assert environ == {"HEADNODE_VAR": str(var), name: "mine"}


@pytest.mark.parametrize("broken", ["", "{", "[1]", "\udcff"])
def test_a_broken_file_changes_nothing(var: Path, broken: str) -> None:
    (var / instance.FILE).write_bytes(os.fsencode(broken))
    environ = {"HEADNODE_VAR": str(var)}
    instance.adopt(environ)
    assert environ == {"HEADNODE_VAR": str(var)}

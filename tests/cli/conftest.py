"""Fixtures of the command line's tests."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import with_token
from tests.cli.installed import (
    Installed,
    OnTerminal,
    copy_packages,
    empty_environment,
    requirements_of,
    site_packages_of,
)
from tests.stack import ROOT, Stack
from tests.waiting import LIMIT

DEPENDENCIES = ["httpx", "platformdirs", "rich", "typer"]


@pytest.fixture(scope="session")
def program(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`headnode`, installed by pip from the running portal's address into an environment that has nothing else."""
    folder = tmp_path_factory.mktemp("cli-environment")
    bin_folder = empty_environment(folder)
    copy_packages(requirements_of(DEPENDENCIES), site_packages_of(folder))
    # This environment's pip works on the other: copying one into each environment takes many seconds.
    pip = [sys.executable, "-m", "pip", "--python", str(bin_folder / "python")]
    pip += ["--disable-pip-version-check", "-q"]
    address = f"{stack.base_url}cli/headnode-latest.tar.gz"
    # --no-index: whatever is missing here must fail, not be fetched.
    done = subprocess.run(
        [*pip, "install", "--no-index", address], capture_output=True, text=True, timeout=4 * LIMIT
    )
    assert done.returncode == 0, done.stderr
    assert subprocess.run([*pip, "check"], capture_output=True, text=True, timeout=4 * LIMIT).returncode == 0
    return bin_folder / "headnode"


@pytest.fixture
def person(program: Path, tmp_path: Path) -> Callable[..., Installed]:
    """Make a person with an empty home: `person("alice")`."""
    return _maker(program, tmp_path)


def _maker(program: Path, folder: Path) -> Callable[..., Installed]:
    def make(name: str = "alice", **environment: str) -> Installed:
        home = folder / f"home-{name}"
        home.mkdir()
        return Installed(program, home, environment)

    return make


@pytest.fixture(scope="session")
def from_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`headnode` as a program that runs from its source: for what needs neither a portal nor an environment."""
    program = tmp_path_factory.mktemp("cli-from-source") / "headnode"
    program.write_text(
        f"#!{sys.executable} -sP\nimport sys\nsys.path.insert(0, {str(ROOT / 'portal/cli')!r})\n"
        "from headnode_cli.main import main\nmain()\n"
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def somebody(from_source: Path, tmp_path: Path) -> Callable[..., Installed]:
    """Make a person with an empty home, whose command line runs from its source: `somebody("alice")`."""
    return _maker(from_source, tmp_path)


@pytest.fixture
def on_terminal() -> Iterator[Callable[[OnTerminal], OnTerminal]]:
    """Keep programs on terminals from outliving their test: `on_terminal(someone.begin("login"))`."""
    begun: list[OnTerminal] = []

    def keep(program: OnTerminal) -> OnTerminal:
        begun.append(program)
        return program

    yield keep
    for program in begun:
        program.close()


@pytest.fixture
def signed_in(person: Callable[..., Installed], stack: Stack) -> Installed:
    """The administrator, signed in."""
    found = person("admin")
    token = with_token(stack).token
    found.good("login", stack.base_url, "--with-token", given=f"{token}\n")
    return found


@pytest.fixture
def engineer(signed_in: Installed, stack: Stack, make_key: Callable[..., Path]) -> Iterator[Installed]:
    """Somebody with a key in ~/.ssh, saved on the portal, at an allowed address."""
    ssh = signed_in.home / ".ssh"
    ssh.mkdir(mode=0o700)
    key = make_key("ed25519", comment="engineer-laptop")
    shutil.copy(key, ssh / "id_ed25519")
    shutil.copy(f"{key}.pub", ssh / "id_ed25519.pub")
    (ssh / "id_ed25519").chmod(0o600)
    # ssh looks for the home in the password database, not in $HOME: this person's settings name their key.
    settings = signed_in.home / ".config/headnode/config.toml"
    settings.write_text(f'identity_file = "{ssh}/id_ed25519"\n{settings.read_text()}')
    person = with_token(stack)
    status, rule = person.call(
        "POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.0/8", "note": "here"}
    )
    saved = json.loads(signed_in.good("keys", "add", "--json"))
    yield signed_in
    signed_in.run("keys", "remove", saved["fingerprint"])
    if status == 201:
        person.call("DELETE", f"/api/v2/users/me/access-rules/{rule['id']}/")

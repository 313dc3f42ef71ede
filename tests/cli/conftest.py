"""Fixtures of the command line's tests."""

import subprocess
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
from tests.stack import Stack

DEPENDENCIES = ["httpx", "platformdirs", "rich", "typer"]


@pytest.fixture(scope="session")
def program(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`headnode`, installed by pip from the running portal's address into an environment that has nothing else."""
    folder = tmp_path_factory.mktemp("cli-environment")
    bin_folder = empty_environment(folder)
    copy_packages(requirements_of(DEPENDENCIES), site_packages_of(folder))
    pip = [str(bin_folder / "python"), "-m", "pip", "--disable-pip-version-check", "-q"]
    address = f"{stack.base_url}cli/headnode-latest.tar.gz"
    # --no-index: whatever is missing here must fail, not be fetched.
    done = subprocess.run(
        [*pip, "install", "--no-index", address], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert subprocess.run([*pip, "check"], capture_output=True, text=True, timeout=60).returncode == 0
    return bin_folder / "headnode"


@pytest.fixture
def person(program: Path, tmp_path: Path) -> Callable[..., Installed]:
    """Make a person with an empty home: `person("alice")`."""

    def make(name: str = "alice", **environment: str) -> Installed:
        home = tmp_path / f"home-{name}"
        home.mkdir()
        return Installed(program, home, environment)

    return make


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

"""The lines an administrator copies, in a real sshd_config: they let the portal log in to this account only."""

import getpass
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jobs.machines import sshd_trust
from sshgateway.certificates.authorities import user_authority_lines
from sshgateway.certificates.credentials import issue_credential
from sshgateway.ssh import transport
from sshgateway.ssh.errors import CredentialRefused
from sshgateway.ssh.targets import Target
from tests.sshgateway import sshd

pytestmark = pytest.mark.django_db(transaction=True)
ME = getpass.getuser()


def connect(target: Target) -> transport.Connection:
    """Connect with a credential issued for the target."""
    return transport.connect(target, credential=issue_credential(target.principal, for_whom="a test"))


def machine(folder: Path, username: str, addresses: list[str]) -> sshd.Node:
    """An sshd that is configured only by what the page shows."""
    files = sshd_trust.trust_files(username, user_authority_lines(), addresses)
    authority, principals = folder / "authority", folder / "principals"
    authority.write_text(files.authority)
    principals.write_text(files.principals)
    config = files.sshd_config.replace(sshd_trust.AUTHORITY_FILE, str(authority))
    return sshd.start(folder, trusting=config.replace(sshd_trust.PRINCIPALS_FILE, str(principals)))


@pytest.fixture
def start(tmp_path: Path) -> Any:
    nodes = []

    def make(username: str = ME, addresses: list[str] | None = None) -> sshd.Node:
        nodes.append(machine(tmp_path, username, ["127.0.0.1"] if addresses is None else addresses))
        return nodes[-1]

    yield make
    for node in nodes:
        node.stop()


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["192.0.2.1", "127.0.0.0/8"], []])
def test_the_portal_gets_in(start: Any, addresses: list[str]) -> None:
    node = start(addresses=addresses)
    with connect(node.target()) as connection:
        assert connection.run("echo in").stdout == b"in\n"


def test_not_from_another_address(start: Any) -> None:
    node = start(addresses=["192.0.2.1"])
    with pytest.raises(CredentialRefused):
        connect(node.target())


def test_not_as_another_account(start: Any) -> None:
    node = start(username="sim")
    with pytest.raises(CredentialRefused):
        connect(node.target())


def test_sshd_finds_nothing_wrong_with_it(tmp_path: Path, start: Any) -> None:
    start()
    subprocess.run(["/usr/sbin/sshd", "-t", "-f", str(tmp_path / "sshd_config")], check=True)

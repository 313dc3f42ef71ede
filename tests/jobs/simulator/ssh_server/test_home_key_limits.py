"""A home's authorized_keys belongs to the user: long lines and long files are read only so far."""

import asyncssh
import pytest

from jobs.simulator.ssh_server.home_keys import HomeKeys


@pytest.fixture(scope="module")
def key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


def line_of(key: asyncssh.SSHKey, size: int) -> str:
    """Return the key's line with a comment that makes it exactly this long."""
    line = key.export_public_key().decode().strip() + " "
    return line + "x" * (size - len(line))


@pytest.mark.parametrize(("size", "is_read"), [(200, True), (20_000, True), (20_001, False), (60_000, False)])
def test_a_line_of_more_than_20000_characters_is_not_read(
    key: asyncssh.SSHKey, size: int, is_read: bool
) -> None:
    home = HomeKeys.parse(line_of(key, size))
    assert home.has_key(key.public_data) is is_read
    assert len(home.entries) == int(is_read)


def test_a_line_too_long_affects_only_itself(key: asyncssh.SSHKey) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")
    home = HomeKeys.parse(f"{line_of(key, 20_001)}\n{line_of(other, 200)}\n")
    assert home.keys == {other.public_data}


def test_only_the_first_100_lines_are_read(key: asyncssh.SSHKey) -> None:
    assert HomeKeys.parse("# remark\n" * 99 + line_of(key, 200)).has_key(key.public_data)
    assert not HomeKeys.parse("# remark\n" * 100 + line_of(key, 200)).has_key(key.public_data)

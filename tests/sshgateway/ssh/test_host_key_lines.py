"""A pinned host key's line says what the key says itself; one that does not is no host key."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sshgateway.ssh import host_keys
from sshgateway.ssh.host_keys import HostKey


@pytest.fixture
def line(make_key: Callable[..., Path]) -> str:
    return Path(f"{make_key()}.pub").read_text()


def test_a_line_is_read_and_written_as_openssh_has_it(line: str, make_key: Callable[..., Path]) -> None:
    key = host_keys.parse(line)
    assert key.line == " ".join(line.split()[:2])
    path = f"{make_key(name='other')}.pub"
    shown = subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, text=True, check=True).stdout
    assert host_keys.fingerprint(Path(path).read_text()) == shown.split()[1]


@pytest.mark.parametrize(
    "kind", ["ssh-rsa", "ssh-ed25518", "ssh-ed2551", "ssh-ed255199", "ecdsa-sha2-nistp256", "x"]
)
def test_a_line_that_lies_about_its_type_is_refused(line: str, kind: str) -> None:
    with pytest.raises(ValueError, match="its content is something else"):
        host_keys.parse(f"{kind} {line.split()[1]}")


def test_a_type_that_only_begins_like_it_is_refused() -> None:
    """The length in front of the name counts, too."""
    name = b"ssh-ed25519"
    for length in (len(name) - 1, len(name) + 1):
        blob = base64.b64encode(length.to_bytes(4, "big") + name + bytes(36)).decode()
        with pytest.raises(ValueError, match="its content is something else"):
            host_keys.parse(f"ssh-ed25519 {blob}")


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 !", "ssh-ed25519 AAAA"])
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host key"):
        host_keys.parse(text)


def test_only_a_pinned_key_matches() -> None:
    pinned = [HostKey("ssh-ed25519", b"one"), HostKey("ssh-rsa", b"two")]
    assert host_keys.matches(b"two", pinned) is pinned[1]
    assert host_keys.matches(b"one", pinned) is pinned[0]
    assert host_keys.matches(b"", pinned) is None
    assert host_keys.matches(b"one", []) is None


def test_only_algorithms_that_can_prove_a_pinned_key_are_offered() -> None:
    assert host_keys.algorithms([HostKey("ssh-rsa", b"")]) == ("rsa-sha2-512", "rsa-sha2-256")
    assert host_keys.algorithms([HostKey("ssh-rsa", b""), HostKey("ssh-ed25519", b"")])[0] == "ssh-ed25519"
    assert host_keys.algorithms([]) == ()

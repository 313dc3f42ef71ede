"""Which hosts one `@cert-authority` line speaks for, as the real ssh-keygen finds them."""

import subprocess
from pathlib import Path

import pytest

from sshgateway.ssh import known_hosts

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def _found(folder: Path, patterns: str, name: str) -> bool:
    """Whether ssh would look at the line for this host."""
    (folder / "known_hosts").write_text(f"@cert-authority {patterns} {KEY}\n")
    command = ["ssh-keygen", "-F", name, "-f", str(folder / "known_hosts")]
    return "@cert-authority" in subprocess.run(command, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("127.20.0.0/16", ["127.20.0.5", "127.20.254.254"], ["127.21.0.5", "127.2.0.5", "10.127.20.5"]),
        ("10.0.0.0/8", ["10.1.2.3"], ["11.1.2.3", "210.1.2.3"]),
        ("172.31.87.10", ["172.31.87.10"], ["172.31.87.1", "172.31.87.100"]),
        ("172.16.0.0/14", ["172.16.0.1", "172.19.255.1"], ["172.20.0.1", "172.15.0.1"]),
        ("192.0.2.0/25", ["192.0.2.1", "192.0.2.127"], ["192.0.2.128"]),
        ("2001:db8::17", ["2001:db8::17"], ["2001:db8::1", "2001:db8::170"]),
        ("2001:db8:5::/48", ["2001:db8:5::9", "2001:db8:5:1::1"], ["2001:db8:6::9"]),
    ],
)
def test_addresses(tmp_path: Path, network: str, inside: list[str], outside: list[str]) -> None:
    patterns = known_hosts.patterns("headnode.local", [network])
    for address in inside:
        for name in (address, f"[{address}]:32100", f"[{address}]:22022"):
            assert _found(tmp_path, patterns, name), name
    for address in outside:
        assert not _found(tmp_path, patterns, address)
        assert not _found(tmp_path, patterns, f"[{address}]:32100")


def test_names(tmp_path: Path) -> None:
    patterns = known_hosts.patterns("headnode.local", ["127.20.0.0/16"])
    assert _found(tmp_path, patterns, "job-ab12cd.headnode.local")
    assert _found(tmp_path, patterns, "job-ab12cd-compute-1.headnode.local")
    for name in (
        "headnode.local",
        "example.org",
        "github.com",
        "job-ab12cd.headnode.local.example.org",
        "head",
    ):
        assert not _found(tmp_path, patterns, name)


def test_the_default_is_one_short_line() -> None:
    assert known_hosts.patterns("headnode.local", ["127.20.0.0/16"]) == (
        "*.headnode.local,127.20.*,[127.20.*]:*"
    )


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ("nonsense", "no address"),
        ("0.0.0.0/0", "too wide"),
        ("10.0.0.0/7", "too wide"),
        ("2001:db8::/32", None),
        ("2001:db8:0:1::/64", "cannot be written"),
        ("2001:db8:5::/50", "cannot be written"),
        ("::/0", "cannot be written"),
    ],
)
def test_what_cannot_be_said(network: str, sentence: str | None) -> None:
    if sentence is None:
        assert known_hosts.patterns("x", [network]).endswith("2001:db8:*,[2001:db8:*]:*")
        return
    with pytest.raises(ValueError, match=sentence):
        known_hosts.patterns("x", [network])

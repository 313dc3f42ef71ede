"""A node judges addresses as the portal does, although neither knows the other's code."""

import asyncssh
import pytest

from accounts import cidr
from jobs.simulator.spec import read_access
from jobs.simulator.ssh_server.access_document import MOST_HOME_LINES, Admission, Door, HomeKeys, Login

ADDRESSES = (
    "127.0.0.1",
    "192.0.2.7",
    "::ffff:192.0.2.7",
    "::ffff:c000:207",
    "10.255.255.255",
    "2001:db8::7",
    "2001:db8:1::7",
    "::1",
    "fe80::1%eth0",
)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0/0",
        "::/0",
        "192.0.2.7",
        "192.0.2.0/24",
        "::ffff:192.0.2.0/120",
        "2001:db8::/48",
        "2001:db8::/32",
        "10.0.0.0/8",
        "::1",
        "fe80::/10",
    ],
)
def test_portal_and_node_agree(text: str) -> None:
    rule = str(cidr.parse(text))
    admission = Admission.of(read_access({"rules": [rule]}))
    for address in ADDRESSES:
        assert (admission.door(address) is Door.FULL) == cidr.allows([rule], address), (rule, address)


def test_ipv4_written_as_ipv6_is_let_in_by_an_ipv4_rule_only() -> None:
    assert Admission.of(read_access({"rules": ["192.0.2.0/24"]})).door("::ffff:192.0.2.7") is Door.FULL
    assert Admission.of(read_access({"rules": ["::/0"]})).door("::ffff:192.0.2.7") is Door.CLOSED
    assert not cidr.allows(["::/0"], "::ffff:192.0.2.7")


def lines(count: int) -> list[str]:
    """Public keys, one line each."""
    made = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(count))
    return [key.export_public_key().decode().strip() for key in made]


def test_the_homes_own_keys_are_read_when_they_change_and_only_so_many() -> None:
    text = "\n".join(lines(MOST_HOME_LINES + 1))
    found = HomeKeys.of(text)
    assert HomeKeys.of(text) is found
    assert HomeKeys.of(text + "\n") is not found
    assert len(found.entries) == MOST_HOME_LINES


def test_an_authority_of_the_home_vouches_through_the_full_door_only() -> None:
    key, authority = lines(2)
    home = HomeKeys.read(f"{key}\ncert-authority,no-pty {authority}")
    blobs = [asyncssh.import_public_key(line).public_data for line in (key, authority)]
    assert [home.knows(blob) for blob in blobs] == [True, False]
    admission = Admission.of(read_access({"rules": ["192.0.2.0/24"], "gateway_addresses": ["198.51.100.1"]}))
    by_key, by_authority = (Login("certificate", blob, "") for blob in blobs)
    assert admission.still(by_authority, "192.0.2.7", home) == ""
    assert "withdrawn" in admission.still(by_authority, "198.51.100.1", home)
    assert "withdrawn" in admission.still(by_key, "192.0.2.7", home)

"""A node decides about addresses and keys as the portal does."""

from typing import Any

import asyncssh
import pytest

from accounts import cidr
from jobs.node_contract.access_document import Reach, read_access_document
from jobs.simulator.ssh_server.access_policy import AccessPolicy, Proof, ProofKind
from jobs.simulator.ssh_server.home_keys import MAX_LINES, HomeKeys

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


def policy_of(document: dict[str, Any]) -> AccessPolicy:
    """Return the policy of an access document."""
    return AccessPolicy.from_document(read_access_document(document))


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
    policy = policy_of({"rules": [rule]})
    for address in ADDRESSES:
        assert (policy.reach(address) is Reach.FULL) == cidr.allows([rule], address), (rule, address)


def test_ipv4_written_as_ipv6_is_let_in_by_an_ipv4_rule_only() -> None:
    assert policy_of({"rules": ["192.0.2.0/24"]}).reach("::ffff:192.0.2.7") is Reach.FULL
    assert policy_of({"rules": ["::/0"]}).reach("::ffff:192.0.2.7") is Reach.NONE
    assert not cidr.allows(["::/0"], "::ffff:192.0.2.7")


def lines(count: int) -> list[str]:
    """Return public keys, one line each."""
    made = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(count))
    return [key.export_public_key().decode().strip() for key in made]


def test_the_homes_own_keys_are_read_when_they_change_and_only_so_many() -> None:
    text = "\n".join(lines(MAX_LINES + 1))
    found = HomeKeys.remembered(text)
    assert HomeKeys.remembered(text) is found
    assert HomeKeys.remembered(text + "\n") is not found
    assert len(found.entries) == MAX_LINES


def test_an_authority_of_the_home_is_trusted_from_an_allowed_address_only() -> None:
    key, authority = lines(2)
    home = HomeKeys.parse(f"{key}\ncert-authority,no-pty {authority}")
    blobs = [asyncssh.import_public_key(line).public_data for line in (key, authority)]
    assert [home.has_key(blob) for blob in blobs] == [True, False]
    policy = AccessPolicy.from_document(
        read_access_document({"rules": ["192.0.2.0/24"], "gateway_addresses": ["198.51.100.1"]})
    )
    by_key, by_authority = (Proof(ProofKind.CERTIFICATE, blob, "") for blob in blobs)
    assert policy.why_revoked(by_authority, "192.0.2.7", home) == ""
    assert "withdrawn" in policy.why_revoked(by_authority, "198.51.100.1", home)
    assert "withdrawn" in policy.why_revoked(by_key, "192.0.2.7", home)

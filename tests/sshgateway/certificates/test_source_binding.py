"""From where a certificate of the portal's may be used."""

import pytest
from pytest_django import Settings

from sshgateway.certificates.source_binding import source_addresses_for

LOOPBACK = ["127.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("addresses", "networks", "target", "bound_to"),
    [
        # Known addresses bind everywhere.
        (["192.0.2.7"], ["10.20.0.0/16"], "10.20.0.5", ["192.0.2.7/32"]),
        (
            ["192.0.2.7", "2001:db8::7"],
            ["10.20.0.0/16"],
            "login.example.org",
            ["192.0.2.7/32", "2001:db8::7/128"],
        ),
        (["192.0.2.7"], ["10.20.0.0/16"], "", ["192.0.2.7/32"]),
        # The default binds on the simulator's nodes, wherever on loopback they see the portal ...
        (["127.0.0.1"], ["127.20.0.0/16"], "127.20.0.5", LOOPBACK),
        (["127.0.0.1"], ["127.0.0.1"], "127.0.0.1", LOOPBACK),
        (["::1"], ["::1"], "::1", LOOPBACK),
        # ... and nowhere else: a container behind a published port sees its bridge's address.
        (["127.0.0.1"], ["127.20.0.0/16"], "127.0.0.1", []),
        (["127.0.0.1"], ["127.20.0.0/16"], "localhost", []),
        (["127.0.0.1"], ["127.20.0.0/16"], "login.example.org", []),
        (["127.0.0.1"], ["127.20.0.0/16"], "192.0.2.9", []),
        (["127.0.0.1"], ["127.20.0.0/16"], "", []),
        # Both: loopback is no door for others.
        (["127.0.0.1", "192.0.2.7"], ["10.0.0.0/8"], "192.0.2.9", ["192.0.2.7/32", *LOOPBACK]),
        ([], ["10.0.0.0/8"], "10.0.0.1", []),
    ],
)
def test_bound_to(
    settings: Settings, addresses: list[str], networks: list[str], target: str, bound_to: list[str]
) -> None:
    settings.HEADNODE_GATEWAY_ADDRESSES = addresses
    settings.HEADNODE_NODE_NETWORKS = networks
    assert source_addresses_for(target) == bound_to

"""A node judges addresses as the portal does, although neither knows the other's code."""

import pytest

from accounts import cidr
from jobs.simulator.admission import Admission, Door
from jobs.simulator.spec import read_access

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

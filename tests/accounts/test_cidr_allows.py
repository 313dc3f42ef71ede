"""Which addresses a set of rules allows."""

import ipaddress

import pytest

from accounts.cidr import EVERYWHERE, allows, parse, parse_address


@pytest.mark.parametrize(
    ("rules", "address", "allowed"),
    [
        (["10.0.0.0/8"], "10.255.255.255", True),
        (["10.0.0.0/8"], "11.0.0.0", False),
        (["10.0.0.0/8", "192.0.2.7/32"], "192.0.2.7", True),
        (["192.0.2.7/32"], "192.0.2.8", False),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", True),
        (["::ffff:10.0.0.0/104"], "10.0.0.1", True),
        (["::/0"], "10.0.0.1", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["::/0"], "::ffff:10.0.0.1", False),
        (EVERYWHERE, "10.0.0.1", True),
        (EVERYWHERE, "2001:db8::1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["2001:db8::/32"], "[2001:db8::1]", True),
        ([], "10.0.0.1", False),
        (EVERYWHERE, "", False),
        (EVERYWHERE, "nonsense", False),
        (["nonsense", "10.0.0.0/8"], "10.0.0.1", True),
        (["nonsense"], "10.0.0.1", False),
    ],
)
def test_allows(rules: list[str], address: str, allowed: bool) -> None:
    assert allows(rules, address) is allowed


def test_rules_and_addresses_may_be_read_already() -> None:
    rule = parse("10.0.0.0/8")
    assert allows([rule], ipaddress.ip_address("10.0.0.1"))
    assert allows([rule.network], ipaddress.ip_address("::ffff:10.0.0.1"))


@pytest.mark.parametrize("text", ["", "x", "10.0.0", "10.0.0.1/8", "[10.0.0.1"])
def test_what_is_no_address_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_address(text)

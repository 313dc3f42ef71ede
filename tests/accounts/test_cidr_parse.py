"""Text entered as an access rule is parsed, normalised with a notice, or refused with a message."""

import ipaddress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.cidr import EVERYWHERE, RuleRefused, parse


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8::7", "2001:db8::7/128"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        (" 10.0.0.0/8\r\n", "10.0.0.0/8"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
        ("[2001:db8::7]", "2001:db8::7/128"),
        ("[2001:db8::]/32", "2001:db8::/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("10.0.0.0/08", "10.0.0.0/8"),
    ],
)
def test_rule_is_read(text: str, network: str) -> None:
    rule = parse(text)
    assert (str(rule), rule.notice) == (network, None)
    assert parse(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "network", "said"),
    [
        ("10.1.2.3/8", "10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::1/32", "2001:db8::/32", "2001:db8::/32"),
        ("192.0.2.7/0", "0.0.0.0/0", "0.0.0.0/0"),
        ("::ffff:192.0.2.7", "192.0.2.7/32", "IPv4"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8", "IPv4"),
        ("::ffff:10.1.2.3/104", "10.0.0.0/8", "IPv4"),
        ("::ffff:0:0/96", "0.0.0.0/0", "IPv4"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8", "netmask"),
        ("10.0.0.0/0.0.0.0", "0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.1/255.255.255.255", "10.0.0.1/32", "netmask"),
        ("0.0.0.0", "0.0.0.0/32", "0.0.0.0/0"),
        ("::", "::/128", "::/0"),
    ],
)
def test_rule_is_put_in_order_with_a_notice(text: str, network: str, said: str) -> None:
    rule = parse(text)
    assert str(rule) == network
    assert said in (rule.notice or "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "rule_empty"),
        ("   ", "rule_empty"),
        ("/8", "rule_empty"),
        ("10.0.0.0/33", "rule_prefix"),
        ("::/129", "rule_prefix"),
        ("10.0.0.0/", "rule_prefix"),
        ("10.0.0.0/-1", "rule_prefix"),
        ("10.0.0.0/+8", "rule_prefix"),
        ("10.0.0.0/8/8", "rule_prefix"),
        ("10.0.0.0/９", "rule_prefix"),
        ("10.0.0.0/99999999999", "rule_prefix"),
        ("10.0.0.0/255.0.255.0", "rule_prefix"),
        ("10.0.0.0/0.255.255.255", "rule_prefix"),
        ("10.0.0.0/255.0.0.999", "rule_prefix"),
        ("::/255.0.0.0", "rule_prefix"),
        ("300.1.1.1", "rule_address"),
        ("1.2.3", "rule_address"),
        ("10/8", "rule_address"),
        ("1.2.3.4.5", "rule_address"),
        ("010.0.0.1", "rule_address"),
        ("１０.0.0.1", "rule_address"),
        ("2001:db8:::1", "rule_address"),
        ("2001:db8::g", "rule_address"),
        ("12345", "rule_address"),
        ("<b>", "rule_address"),
        ("example.org", "rule_host_name"),
        ("localhost", "rule_host_name"),
        ("http://10.0.0.1", "rule_host_name"),
        ("10.0.0.1 10.0.0.2", "rule_spaces"),
        ("10.0.0.1,10.0.0.2", "rule_spaces"),
        ("10.0.0.0 / 8", "rule_spaces"),
        ("10.0.0.0\u00a0/8", "rule_spaces"),
        ("10.0.0.1\n10.0.0.2", "rule_control_characters"),
        ("10.0.0.1\x00", "rule_control_characters"),
        ("10.0.0.1\t/8", "rule_control_characters"),
        ("\x1b[31m10.0.0.1", "rule_control_characters"),
        ("fe80::1%eth0", "rule_zone"),
        ("fe80::1%eth0/64", "rule_zone"),
        ("10.0.0.1-10.0.0.9", "rule_range"),
        ("10.0.*.*", "rule_range"),
        ("10.0.0.1:22", "rule_port"),
        ("1" * 1000, "rule_too_long"),
    ],
)
def test_wrong_rule_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        parse(text)
    assert refused.value.reason == reason
    assert refused.value.field == "cidr"
    assert refused.value.message.endswith(".")
    assert refused.value.message.isprintable()
    assert "<" not in refused.value.message


def test_message_names_what_was_typed() -> None:
    with pytest.raises(RuleRefused, match=r"300\.1\.1\.1"):
        parse("300.1.1.1")
    with pytest.raises(RuleRefused, match="0 to 32"):
        parse("10.0.0.0/33")


def test_everywhere_is_both_families() -> None:
    assert [str(parse(text)) for text in EVERYWHERE] == list(EVERYWHERE)
    assert {parse(text).network.version for text in EVERYWHERE} == {4, 6}


@given(st.one_of(st.text(max_size=60), st.text("0123456789abcdef.:/%[] ", max_size=45)))
@example("[")
@example("[]/")
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        rule = parse(text)
    except RuleRefused:
        return
    assert ipaddress.ip_network(str(rule)) == rule.network
    assert parse(str(rule)).network == rule.network

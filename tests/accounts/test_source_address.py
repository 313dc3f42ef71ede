"""The source address is the connection's or the one that a trusted proxy reports, never one that the client claims."""

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from accounts import cidr, source_address

TRUSTED = [cidr.parse(text).network for text in ("127.0.0.0/8", "10.0.0.0/8", "::1")]


@pytest.mark.parametrize(
    ("peer", "header", "answer"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.5", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.6, 10.0.0.5", "10.0.0.6"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:192.0.2.7", None, "192.0.2.7"),
        ("127.0.0.1", "", source_address.UNKNOWN),
        ("10.0.0.5", "unknown", source_address.UNKNOWN),
        ("10.0.0.5", "203.0.113.9, nonsense", source_address.UNKNOWN),
        ("10.0.0.5", "203.0.113.9, nonsense, 10.0.0.6", source_address.UNKNOWN),
        ("10.0.0.5", "unknown, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "unknown, 203.0.113.9, 10.0.0.6", "203.0.113.9"),
        ("10.0.0.5", "203.0.113.9,,", source_address.UNKNOWN),
        ("", None, "127.0.0.1"),
        ("", "203.0.113.9", "203.0.113.9"),
        ("testclient", None, "127.0.0.1"),
    ],
)
def test_decide(peer: str, header: str | None, answer: str) -> None:
    assert source_address.resolve_address(peer, header, TRUSTED) == answer


def test_no_rule_lets_an_unknown_address_in() -> None:
    assert not cidr.allows(["0.0.0.0/0", "::/0", "10.0.0.0/8", "127.0.0.1/32"], source_address.UNKNOWN)


def test_nobody_is_trusted_by_default(rf: RequestFactory, settings: Settings) -> None:
    settings.HEADNODE_TRUSTED_PROXIES = []
    request = rf.get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert source_address.source_address_of(request) == "127.0.0.1"


def test_request_and_scope_agree(rf: RequestFactory, settings: Settings) -> None:
    settings.HEADNODE_TRUSTED_PROXIES = ["127.0.0.1/32", "10.0.0.0/8"]
    request = rf.get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9, 10.0.0.1")
    scope = {
        "client": ("127.0.0.1", 4711),
        "headers": [(b"x-forwarded-for", b"203.0.113.9"), (b"X-Forwarded-For", b"10.0.0.1")],
    }
    assert (
        source_address.source_address_of(request)
        == source_address.source_address_of(scope)
        == source_address.source_address_of_scope(scope)
        == "203.0.113.9"
    )


@pytest.mark.parametrize("client", [None, ("", 0)])
def test_unix_socket_peer_is_this_machine(client: tuple[str, int] | None, settings: Settings) -> None:
    settings.HEADNODE_TRUSTED_PROXIES = []
    assert source_address.source_address_of_scope({"client": client, "headers": []}) == "127.0.0.1"
    assert source_address.source_address_of(HttpRequest()) == "127.0.0.1"

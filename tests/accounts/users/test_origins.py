"""Which pages may open a websocket."""

import pytest

from accounts.users.origins import is_own_origin

HOSTS = ["portal.example.org", "127.0.0.1", "[::1]", ".lab.example.org"]
TRUSTED = ["https://other.example.org", "https://*.wide.example.org:8443"]


@pytest.mark.parametrize(
    ("origin", "host", "secure"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", False),
        ("https://portal.example.org", "portal.example.org", True),
        ("https://portal.example.org", "portal.example.org:443", True),
        ("https://portal.example.org", "portal.example.org", False),
        ("https://PORTAL.example.org", "portal.example.org", True),
        ("http://[::1]:8000", "[::1]:8000", False),
        ("https://a.lab.example.org", "a.lab.example.org", True),
        ("https://other.example.org", "portal.example.org", True),
        ("https://a.wide.example.org:8443", "portal.example.org", True),
    ],
)
def test_own_page(origin: str, host: str, secure: bool) -> None:
    assert is_own_origin(origin, host, secure, HOSTS, TRUSTED)


@pytest.mark.parametrize(
    ("origin", "host", "secure"),
    [
        ("https://evil.example", "portal.example.org", True),
        ("https://portal.example.org.evil.example", "portal.example.org", True),
        ("https://evilportal.example.org", "portal.example.org", True),
        ("http://127.0.0.1:9999", "127.0.0.1:8000", False),
        ("http://127.0.0.1", "127.0.0.1:8000", False),
        ("http://localhost:8000", "127.0.0.1:8000", False),
        ("http://portal.example.org", "portal.example.org", True),
        ("http://portal.example.org", "portal.example.org:443", True),
        ("https://evil.example", "evil.example", True),
        ("null", "portal.example.org", True),
        ("", "portal.example.org", True),
        ("https://portal.example.org/", "portal.example.org", True),
        ("https://portal.example.org@evil.example", "portal.example.org", True),
        ("https://user@portal.example.org", "portal.example.org", True),
        ("file://portal.example.org", "portal.example.org", True),
        ("https://portal.example.org:x", "portal.example.org", True),
        ("https://[", "portal.example.org", True),
        ("https://portal.example.org, https://portal.example.org", "portal.example.org", True),
        ("https://portal.example.org", "", True),
        ("https://wide.example.org:8443", "portal.example.org", True),
        ("https://a.wide.example.org", "portal.example.org", True),
        ("http://other.example.org", "portal.example.org", True),
    ],
)
def test_foreign_page(origin: str, host: str, secure: bool) -> None:
    assert not is_own_origin(origin, host, secure, HOSTS, TRUSTED)

"""Check that a browser's Origin header names this portal. Pure: reads no settings.

Any page on the internet can open a websocket with the user's cookie. Only the Origin header says which page it was.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from django.http.request import validate_host

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port of a page; the scheme's default port is filled in."""

    scheme: str
    host: str
    port: int


def read_origin(text: str) -> Origin | None:
    """Parse an origin. Return None for `null` and other text that is not an origin."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    extra = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or extra:
        return None
    return Origin(parts.scheme, parts.hostname, DEFAULT_PORTS[parts.scheme] if port is None else port)


def is_own_origin(
    origin: str, host: str, secure: bool, allowed_hosts: Sequence[str], trusted_origins: Sequence[str]
) -> bool:
    """Return whether a page at `origin` may open a websocket on `host`.

    It may if the page has the same host and port as the connection and the host is allowed, or if the origin is
    trusted. A page loaded over plain HTTP may not open a secure connection.
    """
    page = read_origin(origin)
    if page is None:
        return False
    if any(_matches(page, trusted) for trusted in trusted_origins):
        return True
    own = read_origin(f"{page.scheme}://{host}")
    if own != page or (secure and page.scheme != "https"):
        return False
    bracketed = f"[{page.host}]" if ":" in page.host else page.host
    return validate_host(bracketed, list(allowed_hosts))


def _matches(page: Origin, trusted: str) -> bool:
    """Return whether an origin matches an entry of CSRF_TRUSTED_ORIGINS, such as `https://*.example.org`."""
    known = read_origin(trusted.replace("://*.", "://", 1))
    if known is None or (known.scheme, known.port) != (page.scheme, page.port):
        return False
    if "://*." in trusted:
        return page.host.endswith("." + known.host)
    return page.host == known.host

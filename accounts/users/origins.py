"""Whether a browser's Origin header names this portal, and not a page somewhere else. Decides; reads no setting.

A websocket carries the cookie of whoever opens it from any page; the Origin header is what tells them apart.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from django.http.request import validate_host

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port, the port always said."""

    scheme: str
    host: str
    port: int


def read_origin(text: str) -> Origin | None:
    """Return the origin in the text; None for `null` and everything else that is not one."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    extra = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or extra:
        return None
    return Origin(parts.scheme, parts.hostname, DEFAULT_PORTS[parts.scheme] if port is None else port)


def is_own(
    origin: str, host: str, secure: bool, allowed_hosts: Sequence[str], trusted_origins: Sequence[str]
) -> bool:
    """Return whether a page at `origin` may open a websocket on `host`.

    It may if it is a page of the very host and port the connection asks for, and that host is an allowed one;
    or if the origin is a trusted one. A page read over plain http may not open a secure connection.
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
    """Compare with one entry of CSRF_TRUSTED_ORIGINS, which may say `https://*.example.org`."""
    known = read_origin(trusted.replace("://*.", "://", 1))
    if known is None or (known.scheme, known.port) != (page.scheme, page.port):
        return False
    if "://*." in trusted:
        return page.host.endswith("." + known.host)
    return page.host == known.host

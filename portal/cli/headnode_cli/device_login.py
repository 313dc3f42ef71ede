"""Sign in with a short code that is confirmed on a page of the portal (RFC 8628)."""

from __future__ import annotations

import platform
import time
from typing import Any, Callable

from .client import Portal
from .errors import Failed, NotSignedIn, Refused, Unreachable

PENDING = "authorization_pending"


def client_name() -> str:
    """Return how this computer introduces itself."""
    return f"headnode on {platform.node() or 'a computer'}"[:100]


def begin(portal: Portal) -> dict[str, Any]:
    """Ask the portal for a code."""
    answer: dict[str, Any] = portal.post("device-logins/", {"client": client_name()})
    return answer


def wait(
    portal: Portal, asked: dict[str, Any], sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Wait until the code is confirmed. Return `{token, username, expiresAt}`; raises NotSignedIn if it is not."""
    end = time.monotonic() + asked["expiresIn"]
    while time.monotonic() < end:
        try:
            answer: dict[str, Any] = portal.post("device-logins/token/", {"deviceCode": asked["deviceCode"]})
            return answer
        except Refused as refused:
            if refused.reason == "throttled":
                sleep(10.0)
            elif refused.reason != PENDING:
                raise NotSignedIn(str(refused), refused.reason) from None
        except (Unreachable, Failed):
            pass  # the person may well be confirming it: a line that broke ends nothing
        sleep(float(asked["interval"]))
    raise NotSignedIn("Nobody confirmed the code in time. Run headnode login again.")

"""Keys that sign a program in and are no rows: derived from the portal's secret, good while what they belong to lives.

The app above registers the check of each kind by the prefix of its keys, so that this app knows nothing of jobs.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from accounts.models import User


class DerivedKey(Protocol):
    """A key that was found good: what `request.auth` is then."""

    def check_reach(self, route: str | None, values: Mapping[str, Any], method: str) -> None:
        """Raise Refused (403) unless the key reaches this route, without its version, with these values in the path."""


# Returns who the key signs in, and the key. Raises TokenRefused.
Check = Callable[[str], tuple[User, DerivedKey]]
_checks: dict[str, Check] = {}


def register(prefix: str, check: Check) -> None:
    """Have `check` decide about the keys that begin with `prefix`."""
    _checks[prefix] = check


def check_of(secret: str) -> Check | None:
    """Return the check of the kind of this key; None for an API token."""
    return next((check for prefix, check in _checks.items() if secret.startswith(prefix)), None)

"""Addresses that some kinds of targets must never be at, whatever their names resolve to when the gateway connects.

The app above registers them for a kind of subject; this app knows neither machines nor nodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sshgateway.ssh.targets import Target

# Returns CIDR blocks. Called in a thread that may use the database.
Forbidden = Callable[[], Sequence[str]]

_forbidden: dict[str, Forbidden] = {}


def register(kind: str, forbidden: Forbidden) -> None:
    """Have targets whose subject is "kind:identifier" never connect to these blocks. Safe to repeat."""
    _forbidden[kind] = forbidden


def with_forbidden_addresses(target: Target) -> Target:
    """Return the target with the blocks that it must not connect to as of now."""
    forbidden = _forbidden.get(target.subject.partition(":")[0])
    return target if forbidden is None else replace(target, forbidden=tuple(forbidden()))

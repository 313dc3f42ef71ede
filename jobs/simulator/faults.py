"""Faults that can be switched on by name, to see how everyone else behaves.

slow_boot      {"seconds": 60}        nodes take this much longer
never_reports  {}                     nodes boot and never register
context_fails  {}                     the context script fails: nodes report an error and fail
node_dies      {"after_seconds": 0}   running nodes lose power
swapped_host_key {}                   nodes show another host key than they reported, from now on or from their boot
no_capacity    {}                     new clusters are refused
api_down       {}                     the API answers 503 to everything but this
Each may be narrowed: {"cluster": "Ab12cd", "node": "compute-1"}.
"""

from collections.abc import Mapping
from typing import Any

from jobs.simulator.spec import Refused

NAMES = (
    "slow_boot",
    "never_reports",
    "context_fails",
    "node_dies",
    "swapped_host_key",
    "no_capacity",
    "api_down",
)
NUMBERS = {"seconds": 3600, "after_seconds": 86_400}


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
        self._on: dict[str, dict[str, Any]] = {}

    def change(self, document: Any) -> dict[str, Any]:
        """Switch faults on (an object) and off (null); all or nothing. Answers what is on now."""
        if not isinstance(document, Mapping):
            raise Refused("invalid_faults", "Faults must be a JSON object of name: {...} or name: null.")
        wanted = dict(self._on)
        for name, words in document.items():
            if name not in NAMES:
                raise Refused("unknown_fault", f"There is no fault {name!r}; there are: {', '.join(NAMES)}.")
            if words is None:
                wanted.pop(name, None)
            else:
                wanted[name] = _words(name, words)
        self._on = wanted
        return self.as_json()

    def as_json(self) -> dict[str, Any]:
        """What is on."""
        return {name: dict(words) for name, words in self._on.items()}

    def get(self, name: str, cluster: str = "", node: str = "") -> dict[str, Any] | None:
        """The fault's words when it is on for this cluster and node."""
        words = self._on.get(name)
        if words is None:
            return None
        narrowed = (("cluster", cluster), ("node", node))
        return words if all(words.get(key, value) == value for key, value in narrowed) else None


def _words(name: str, words: Any) -> dict[str, Any]:
    if not isinstance(words, Mapping):
        raise Refused("invalid_faults", f"The fault {name!r} must be an object or null.")
    for key, value in words.items():
        if key in NUMBERS:
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or not 0 <= value <= NUMBERS[key]
            ):
                raise Refused(
                    "invalid_faults", f"{key!r} of {name!r} must be a number from 0 to {NUMBERS[key]}."
                )
        elif key not in ("cluster", "node") or not isinstance(value, str):
            raise Refused(
                "invalid_faults",
                f"{name!r} knows no {key!r}; it takes cluster, node and {', '.join(NUMBERS)}.",
            )
    return dict(words)

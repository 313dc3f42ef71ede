"""Faults that can be switched on by name, to see how everyone else behaves: pure but for the bell that rings.

One document switches some on and off: `{"slow_boot": {"cluster": "Ab12cd", "node": "compute-1", "seconds": 60},
"api_down": null}`. A fault may be on several times, for different clusters and nodes: `cluster` and `node` narrow it
(`"cluster": "next"` means the next cluster that is ordered), `"off": true` takes back the one with that cluster and
node, null all of that name. What `seconds` means is in the table. A restart of the simulator switches all off.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from jobs.simulator.spec import CLUSTER_ID, NODE_NAME, Refused

NEXT = "next"
MOST_RULES = 500
MOST_SECONDS = 86_400


@dataclass(frozen=True)
class Kind:
    """A fault there is. `seconds` says what the number is: how much `longer`, `after` what time, how long it `lasts`
    (0: until it is switched off), or how long each answer is held `back`."""

    name: str
    of: str  # what it can be narrowed to: a node, a cluster, or only the whole cloud
    seconds: str
    usual: float


KINDS = {
    kind.name: kind
    for kind in (
        Kind("slow_boot", "node", "longer", 60),  # the node takes this much longer
        Kind("never_reports", "node", "lasts", 0),  # it boots, and finds no way to the context broker
        Kind("context_fails", "node", "lasts", 0),  # its context script fails: it reports an error and fails
        Kind("node_dies", "node", "after", 0),  # the running node loses power
        Kind(
            "network_cut", "node", "lasts", 0
        ),  # its cable to the other nodes is pulled; without a node: all are
        Kind("disk_full", "node", "lasts", 0),  # no space left in home and temporary folders
        Kind("swapped_host_key", "node", "lasts", 0),  # it shows another host key than it reported
        Kind("no_capacity", "cluster", "lasts", 0),  # new clusters are refused
        Kind("api_down", "cluster", "lasts", 0),  # the API answers 503 to everything but this
        Kind("api_slow", "cluster", "back", 5),  # the API holds its answers back
        Kind(
            "duplicate_answers", "cluster", "lasts", 0
        ),  # everything that is asked or reported is done twice
    )
}


@dataclass(frozen=True)
class Rule:
    """A fault that is on. `ends_at` is on the monotonic clock; None: it stays on."""

    name: str
    cluster: str
    node: str
    seconds: float
    ends_at: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """There is one rule for each of these."""
        return self.name, self.cluster, self.node

    def about(self, cluster: str, node: str) -> bool:
        """Is it on for this cluster and node?"""
        return self.cluster in ("", cluster) and self.node in ("", node)

    def narrowness(self) -> int:
        """Of two rules about one node the narrower holds."""
        return 2 * bool(self.cluster) + bool(self.node)


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str, str], Rule] = {}
        self._bell = asyncio.Event()

    def change(self, document: Any) -> None:
        """Switch faults on and off; all or nothing. Raises Refused."""
        if not isinstance(document, Mapping):
            raise Refused("invalid_faults", "Faults must be a JSON object of name: {...} or name: null.")
        wanted = dict(self._rules)
        for name, words in document.items():
            if name not in KINDS:
                raise Refused("unknown_fault", f"There is no fault {name!r}; there are: {', '.join(KINDS)}.")
            if words is None:
                wanted = {key: rule for key, rule in wanted.items() if rule.name != name}
                continue
            rule, off = _read(KINDS[name], words)
            if off:
                wanted.pop(rule.key, None)
            else:
                wanted[rule.key] = rule
        if len(wanted) > MOST_RULES:
            raise Refused("invalid_faults", f"No more than {MOST_RULES} faults may be on at once.")
        self._put(wanted)

    def bind(self, cluster: str) -> None:
        """This is the next cluster that some rules wait for."""
        bound = [
            rule if rule.cluster != NEXT else Rule(rule.name, cluster, rule.node, rule.seconds, rule.ends_at)
            for rule in self._rules.values()
        ]
        self._put({rule.key: rule for rule in bound})

    def forget(self, cluster: str) -> None:
        """The cluster is gone, and the rules about it with it."""
        self._put({key: rule for key, rule in self._rules.items() if rule.cluster != cluster})

    def expire(self) -> None:
        """Take away what has lasted its time."""
        now = time.monotonic()
        kept = {key: rule for key, rule in self._rules.items() if rule.ends_at is None or rule.ends_at > now}
        self._put(kept)

    def next_end(self) -> float | None:
        """When the next rule ends, on the monotonic clock."""
        return min((rule.ends_at for rule in self._rules.values() if rule.ends_at is not None), default=None)

    def get(self, name: str, cluster: str = "", node: str = "") -> Rule | None:
        """The rule by which the fault is on for this cluster and node."""
        found = [rule for rule in self._rules.values() if rule.name == name and rule.about(cluster, node)]
        return max(found, key=Rule.narrowness, default=None)

    async def until_off(self, name: str, cluster: str, node: str) -> None:
        """Wait while a fault is on."""
        while self.get(name, cluster, node) is not None:
            await self.changed()

    async def changed(self) -> None:
        """Wait for the next change."""
        await self._bell.wait()

    def as_json(self) -> list[dict[str, Any]]:
        """What is on; `ends_in` seconds, or null."""
        now = time.monotonic()
        found = []
        for rule in self._rules.values():
            words = asdict(rule)
            ends_at = words.pop("ends_at")
            found.append({**words, "ends_in": None if ends_at is None else max(0.0, ends_at - now)})
        return found

    def _put(self, rules: dict[tuple[str, str, str], Rule]) -> None:
        if rules != self._rules:
            self._rules = rules
            self._bell.set()
            self._bell = asyncio.Event()


def kinds_as_json() -> list[dict[str, Any]]:
    """The faults there are."""
    return [
        {"name": kind.name, "of": kind.of, "seconds": kind.seconds, "usual": kind.usual}
        for kind in KINDS.values()
    ]


def _read(kind: Kind, words: Any) -> tuple[Rule, bool]:
    """A rule, and whether it is to be taken back."""
    if not isinstance(words, Mapping):
        raise Refused("invalid_faults", f"The fault {kind.name!r} must be an object or null.")
    known = ("cluster", "node", "seconds", "off")
    for key in words:
        if key not in known:
            raise Refused("invalid_faults", f"{kind.name!r} knows no {key!r}; it takes {', '.join(known)}.")
    cluster = _name(words, "cluster", CLUSTER_ID, "the id of a cluster, or 'next'")
    node = _name(words, "node", NODE_NAME, "the name of a node, such as compute-1")
    if node and kind.of != "node":
        raise Refused("invalid_faults", f"{kind.name!r} is not about single nodes; leave 'node' out.")
    seconds = words.get("seconds")
    if seconds is None:
        seconds = kind.usual
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= MOST_SECONDS:
        raise Refused(
            "invalid_faults", f"'seconds' of {kind.name!r} must be a number from 0 to {MOST_SECONDS}."
        )
    ends_at = time.monotonic() + seconds if kind.seconds == "lasts" and seconds else None
    return Rule(kind.name, cluster, node, float(seconds), ends_at), words.get("off") is True


def _name(words: Mapping[str, Any], key: str, form: re.Pattern[str], what: str) -> str:
    value = words.get(key) or ""
    if value and not (isinstance(value, str) and form.fullmatch(value)):
        raise Refused("invalid_faults", f"{key!r} must be {what}.")
    return str(value)

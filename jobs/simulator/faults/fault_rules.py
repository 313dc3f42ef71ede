"""Keep which faults are on. No input or output; waiting for changes takes an event loop.

One document switches faults on and off: `{"slow_boot": {"cluster": "Ab12cd", "node": "compute-1", "seconds": 60},
"api_down": null}`. A fault may be on several times, for different clusters and nodes: `cluster` and `node` narrow it
(`"cluster": "next"` means the next cluster that is ordered), `"off": true` switches off the one with that cluster and
node, null all of that name. A restart of the simulator switches all off.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jobs.node_contract.documents import InvalidDocument
from jobs.node_contract.names import NODE_NAME
from jobs.simulator.faults.fault_kinds import KINDS, FaultKind, FaultName, Scope, Seconds
from jobs.simulator.spec import CLUSTER_ID

NEXT_CLUSTER = "next"
MAX_RULES = 500
MAX_SECONDS = 86_400
FIELDS = ("cluster", "node", "seconds", "off")
RuleKey = tuple[FaultName, str, str]


@dataclass(frozen=True)
class FaultRule:
    """A fault that is on. `ends_at` is on the monotonic clock; None: it stays on until it is switched off."""

    name: FaultName
    cluster: str
    node: str
    seconds: float
    ends_at: float | None = None

    @property
    def key(self) -> RuleKey:
        """What makes two rules the same one."""
        return self.name, self.cluster, self.node

    def applies_to(self, cluster: str, node: str) -> bool:
        """Return whether the fault is on for this cluster and node."""
        return self.cluster in ("", cluster) and self.node in ("", node)

    @property
    def narrowness(self) -> int:
        """Of two rules about one node the narrower holds."""
        return 2 * bool(self.cluster) + bool(self.node)

    def as_json(self, now: float) -> dict[str, Any]:
        """Return the rule as the API lists it; `ends_in` in seconds, or null."""
        return {
            "name": self.name.value,
            "cluster": self.cluster,
            "node": self.node,
            "seconds": self.seconds,
            "ends_in": None if self.ends_at is None else max(0.0, self.ends_at - now),
        }


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
        self._rules: dict[RuleKey, FaultRule] = {}
        self._next_change = asyncio.Event()

    def change(self, document: Any) -> None:
        """Switch faults on and off; all or nothing. Raises InvalidDocument."""
        if not isinstance(document, Mapping):
            raise _invalid("Faults must be a JSON object of name: {...} or name: null.")
        rules = dict(self._rules)
        for name, fields in document.items():
            if name not in set(FaultName):
                raise InvalidDocument(
                    "unknown_fault", f"There is no fault {name!r}; there are: {', '.join(FaultName)}."
                )
            if fields is None:
                rules = {key: rule for key, rule in rules.items() if rule.name != name}
                continue
            rule, is_off = _read_rule(KINDS[FaultName(name)], fields)
            if is_off:
                rules.pop(rule.key, None)
            else:
                rules[rule.key] = rule
        if len(rules) > MAX_RULES:
            raise _invalid(f"No more than {MAX_RULES} faults may be on at once.")
        self._replace(rules)

    def bind_next(self, cluster: str) -> None:
        """Apply the rules for the next cluster to this one."""
        bound = [
            replace(rule, cluster=cluster) if rule.cluster == NEXT_CLUSTER else rule
            for rule in self._rules.values()
        ]
        self._replace({rule.key: rule for rule in bound})

    def forget(self, cluster: str) -> None:
        """Remove the rules about a cluster that is gone."""
        self._replace({key: rule for key, rule in self._rules.items() if rule.cluster != cluster})

    def expire(self) -> None:
        """Remove the rules whose time is over."""
        now = time.monotonic()
        kept = {key: rule for key, rule in self._rules.items() if rule.ends_at is None or rule.ends_at > now}
        self._replace(kept)

    def next_end(self) -> float | None:
        """Return when the next rule ends, on the monotonic clock."""
        return min((rule.ends_at for rule in self._rules.values() if rule.ends_at is not None), default=None)

    def get(self, name: FaultName, cluster: str = "", node: str = "") -> FaultRule | None:
        """Return the rule by which the fault is on for this cluster and node; None if it is off."""
        found = [
            rule for rule in self._rules.values() if rule.name == name and rule.applies_to(cluster, node)
        ]
        return max(found, key=lambda rule: rule.narrowness, default=None)

    async def wait_until_off(self, name: FaultName, cluster: str, node: str) -> None:
        """Wait while a fault is on."""
        while self.get(name, cluster, node) is not None:
            await self.wait_for_change()

    async def wait_for_change(self) -> None:
        """Wait for the next change."""
        await self._next_change.wait()

    def as_json(self) -> list[dict[str, Any]]:
        """Return the faults that are on."""
        now = time.monotonic()
        return [rule.as_json(now) for rule in self._rules.values()]

    def _replace(self, rules: dict[RuleKey, FaultRule]) -> None:
        if rules != self._rules:
            self._rules = rules
            self._next_change.set()
            self._next_change = asyncio.Event()


def _read_rule(kind: FaultKind, fields: Any) -> tuple[FaultRule, bool]:
    """Return a rule, and whether it is to be switched off."""
    if not isinstance(fields, Mapping):
        raise _invalid(f"The fault {kind.name.value!r} must be an object or null.")
    for key in fields:
        if key not in FIELDS:
            raise _invalid(f"{kind.name.value!r} knows no {key!r}; it takes {', '.join(FIELDS)}.")
    cluster = _read_name(fields, "cluster", CLUSTER_ID, "the id of a cluster, or 'next'")
    node = _read_name(fields, "node", NODE_NAME, "the name of a node, such as compute-1")
    if node and kind.scope is not Scope.NODE:
        raise _invalid(f"{kind.name.value!r} is not about single nodes; leave 'node' out.")
    seconds = _read_seconds(kind, fields)
    ends_at = time.monotonic() + seconds if kind.seconds is Seconds.LASTS and seconds else None
    return FaultRule(kind.name, cluster, node, seconds, ends_at), fields.get("off") is True


def _read_seconds(kind: FaultKind, fields: Mapping[str, Any]) -> float:
    seconds = fields.get("seconds")
    if seconds is None:
        seconds = kind.usual
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= MAX_SECONDS:
        raise _invalid(f"'seconds' of {kind.name.value!r} must be a number from 0 to {MAX_SECONDS}.")
    return float(seconds)


def _read_name(fields: Mapping[str, Any], key: str, form: re.Pattern[str], what: str) -> str:
    value = fields.get(key) or ""
    if value and not (isinstance(value, str) and form.fullmatch(value)):
        raise _invalid(f"{key!r} must be {what}.")
    return str(value)


def _invalid(message: str) -> InvalidDocument:
    return InvalidDocument("invalid_faults", message)

"""What changed in a person's keys, rules and switches since a job began. Pure: two snapshots in, changes out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Snapshot = Mapping[str, Any]

_WORTH = {
    "active": "works again",
    "disabled": "was disabled",
    "expired": "has expired",
    "not_allowed": "is not allowed any more",
}


@dataclass(frozen=True)
class Change:
    """One difference: a word for what it is about, a word for what happened, a sentence for people."""

    subject: str  # ssh_key, access_rule or ssh_access
    what: str  # added, removed, renamed, on, off, or the new standing of a key or rule
    sentence: str


def changes(then: Snapshot, now: Snapshot) -> list[Change]:
    """Every difference between two snapshots that matters for who may come in, keys first."""
    return [*_keys(then, now), *_rules(then, now), *_switch(then, now)]


def _keys(then: Snapshot, now: Snapshot) -> Iterator[Change]:
    before = {key["fingerprint"]: key for key in then.get("ssh_keys", [])}
    after = {key["fingerprint"]: key for key in now.get("ssh_keys", [])}
    for fingerprint, key in before.items():
        said = f"The key '{key['name']}' ({fingerprint})"
        new = after.get(fingerprint)
        if new is None:
            yield Change("ssh_key", "removed", f"{said} was removed.")
            continue
        if new["name"] != key["name"]:
            yield Change("ssh_key", "renamed", f"{said} is now named '{new['name']}'.")
        if _worth(new) != _worth(key):
            yield Change("ssh_key", _worth(new), f"{said} {_WORTH.get(_worth(new), 'changed')}.")
    for fingerprint, key in after.items():
        if fingerprint not in before:
            yield Change("ssh_key", "added", f"The key '{key['name']}' ({fingerprint}) was added.")


def _rules(then: Snapshot, now: Snapshot) -> Iterator[Change]:
    before = {rule["cidr"]: rule for rule in then.get("access_rules", [])}
    after = {rule["cidr"]: rule for rule in now.get("access_rules", [])}
    for cidr, rule in before.items():
        if cidr not in after:
            yield Change("access_rule", "removed", f"The rule {cidr} was removed.")
        elif _worth(after[cidr]) != _worth(rule):
            worth = _worth(after[cidr])
            yield Change("access_rule", worth, f"The rule {cidr} {_WORTH.get(worth, 'changed')}.")
    for cidr in after:
        if cidr not in before:
            yield Change("access_rule", "added", f"The rule {cidr} was added.")


def _switch(then: Snapshot, now: Snapshot) -> Iterator[Change]:
    if then.get("ssh_access", True) != now.get("ssh_access", True):
        word = "on" if now.get("ssh_access", True) else "off"
        yield Change("ssh_access", word, f"SSH access was switched {word}.")


def _worth(row: Mapping[str, Any]) -> str:
    """A key's or rule's standing; snapshots of early versions did not have it."""
    return str(row.get("standing", "active"))

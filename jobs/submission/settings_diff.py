"""Compare two snapshots of a user's keys, rules and switches. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Snapshot = Mapping[str, Any]

_VALIDITY_TEXTS = {
    "active": "works again",
    "disabled": "was disabled",
    "expired": "has expired",
    "not_allowed": "is not allowed any more",
}


class ChangeSubject(StrEnum):
    """What a difference is about."""

    SSH_KEY = "ssh_key"
    ACCESS_RULE = "access_rule"
    SSH_ACCESS = "ssh_access"


@dataclass(frozen=True)
class Change:
    """One difference, with a sentence for users."""

    subject: ChangeSubject
    what: str  # added, removed, renamed, on, off, or the new validity of a key or rule
    sentence: str


def changes(then: Snapshot, now: Snapshot) -> list[Change]:
    """Return every difference that affects access, keys first."""
    return [*_keys(then, now), *_rules(then, now), *_switch(then, now)]


def _keys(then: Snapshot, now: Snapshot) -> Iterator[Change]:
    before = {key["fingerprint"]: key for key in then.get("ssh_keys", [])}
    after = {key["fingerprint"]: key for key in now.get("ssh_keys", [])}
    for fingerprint, key in before.items():
        label = f"The key '{key['name']}' ({fingerprint})"
        new = after.get(fingerprint)
        if new is None:
            yield Change(ChangeSubject.SSH_KEY, "removed", f"{label} was removed.")
            continue
        if new["name"] != key["name"]:
            yield Change(ChangeSubject.SSH_KEY, "renamed", f"{label} is now named '{new['name']}'.")
        if _validity(new) != _validity(key):
            yield Change(
                ChangeSubject.SSH_KEY,
                _validity(new),
                f"{label} {_VALIDITY_TEXTS.get(_validity(new), 'changed')}.",
            )
    for fingerprint, key in after.items():
        if fingerprint not in before:
            yield Change(
                ChangeSubject.SSH_KEY, "added", f"The key '{key['name']}' ({fingerprint}) was added."
            )


def _rules(then: Snapshot, now: Snapshot) -> Iterator[Change]:
    before = {rule["cidr"]: rule for rule in then.get("access_rules", [])}
    after = {rule["cidr"]: rule for rule in now.get("access_rules", [])}
    for cidr, rule in before.items():
        if cidr not in after:
            yield Change(ChangeSubject.ACCESS_RULE, "removed", f"The rule {cidr} was removed.")
        elif _validity(after[cidr]) != _validity(rule):
            validity = _validity(after[cidr])
            yield Change(
                ChangeSubject.ACCESS_RULE,
                validity,
                f"The rule {cidr} {_VALIDITY_TEXTS.get(validity, 'changed')}.",
            )
    for cidr in after:
        if cidr not in before:
            yield Change(ChangeSubject.ACCESS_RULE, "added", f"The rule {cidr} was added.")


def _switch(then: Snapshot, now: Snapshot) -> Iterator[Change]:
    if then.get("ssh_access", True) != now.get("ssh_access", True):
        state = "on" if now.get("ssh_access", True) else "off"
        yield Change(ChangeSubject.SSH_ACCESS, state, f"SSH access was switched {state}.")


def _validity(row: Mapping[str, Any]) -> str:
    """Return the validity of a key or rule. Snapshots of early versions do not have it."""
    return str(row.get("standing", "active"))

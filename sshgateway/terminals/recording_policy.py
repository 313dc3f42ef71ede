"""Decide whether a terminal is recorded, whether its people are told, and whether its shell ends if saving fails. Pure.

The first of these that has a rule decides: the person, the core type, the site. Without a rule nothing is recorded. The
decision is made when a terminal opens and holds for as long as it is open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Whether a terminal is recorded, and whether the people in it are told."""

    OFF = "off"
    ON = "on"
    ANNOUNCED = "announced"


class OnFailure(StrEnum):
    """What happens to the shell when its recording can no longer be saved."""

    GO_ON = "go_on"
    END = "end"


@dataclass(frozen=True)
class RecordingPolicyRule:
    """One rule of the policy: for a person, for a core type or, with neither, for the whole site."""

    mode: Mode
    on_failure: OnFailure = OnFailure.GO_ON
    person_id: int | None = None
    core_type: str = ""


NOT_RECORDED = RecordingPolicyRule(Mode.OFF)


def decide(rules: Iterable[RecordingPolicyRule], person_id: int, core_type: str) -> RecordingPolicyRule:
    """Return the rule for this person's terminal on this core type (empty: on a machine without one)."""
    saved = list(rules)
    for applies in (
        lambda rule: rule.person_id == person_id,
        lambda rule: rule.person_id is None and bool(core_type) and rule.core_type == core_type,
        lambda rule: rule.person_id is None and not rule.core_type,
    ):
        for rule in saved:
            if applies(rule):
                return rule
    return NOT_RECORDED

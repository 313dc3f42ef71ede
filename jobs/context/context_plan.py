"""The context plan of a cluster: members and their roles, data, scripts by phase, and the policy for failing nodes.

Pure: no I/O, no Django. `ContextPlan.as_json` is the form that a cluster's row stores (`Cluster.plan`) and that
`plan_reader` parses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jobs.node_contract.phases import DEFAULT_PHASE_SECONDS, Phase

MAX_MEMBERS = 64
MAX_ROLES = 16
MAX_DATA_ENTRIES = 64
MAX_CORES = 4096
MAX_SCRIPT_BYTES = 64 * 1024
MAX_TEXTS_BYTES = 256 * 1024  # all data together, and all scripts of one member
MAX_PHASE_SECONDS = 3600
MAX_HOLD_HOURS = 24 * 7
HEAD = "head"


class OnError(StrEnum):
    """What to do with a cluster whose nodes did not all come up."""

    BACK_OUT = "back_out"  # release everything
    HOLD = "hold"  # keep the nodes that are up for a while, for debugging
    CONTINUE = "continue"  # go on with the nodes that are up, if there are enough


@dataclass(frozen=True)
class Member:
    """One node: its hardware, the roles it provides and requires, and its scripts by phase."""

    name: str
    role: str
    core_type: str
    cores: int
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    scripts: Mapping[Phase, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "role": self.role,
            "core_type": self.core_type,
            "cores": self.cores,
            "provides": list(self.provides),
            "requires": list(self.requires),
            "scripts": {phase.value: text for phase, text in self.scripts.items()},
        }


@dataclass(frozen=True)
class ContextPolicy:
    """What to do when nodes fail. `at_least_percent` applies to `continue`, `hold_hours` to `hold`."""

    on_error: OnError = OnError.BACK_OUT
    at_least_percent: int = 80
    hold_hours: float = 4

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "on_error": self.on_error.value,
            "at_least_percent": self.at_least_percent,
            "hold_hours": self.hold_hours,
        }


@dataclass(frozen=True)
class ContextPlan:
    """A valid plan: exactly one member is the head node, named `head`, and every required role has a provider."""

    members: tuple[Member, ...]
    data: Mapping[str, str] = field(default_factory=dict)
    phase_timeouts: Mapping[Phase, int] = field(default_factory=dict)
    policy: ContextPolicy = field(default_factory=ContextPolicy)

    def member(self, name: str) -> Member:
        """Return the member with this name. Raises KeyError."""
        for member in self.members:
            if member.name == name:
                return member
        raise KeyError(name)

    def providers(self, role: str) -> tuple[str, ...]:
        """Return the names of the members that provide a role, in the order of the plan."""
        return tuple(member.name for member in self.members if role in member.provides)

    def timeout_seconds(self, phase: Phase) -> int:
        """Return how long a phase may take."""
        return self.phase_timeouts.get(phase, DEFAULT_PHASE_SECONDS)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "members": [member.as_json() for member in self.members],
            "data": dict(self.data),
            "phase_timeouts": {phase.value: seconds for phase, seconds in self.phase_timeouts.items()},
            "policy": self.policy.as_json(),
        }


def plain_plan(core_type: str, cores: int, slots: int) -> ContextPlan:
    """Return the plan of a plain job: `slots` nodes of one core type, the first of them the head node."""
    names = [HEAD, *(f"compute-{number}" for number in range(1, slots))]
    return ContextPlan(
        tuple(Member(name, HEAD if name == HEAD else "compute", core_type, cores) for name in names)
    )

"""The interface of a provider whose cloud can be broken on purpose. Only the simulated cloud is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

NEXT_CLUSTER = "next"


class FaultScope(StrEnum):
    """What a fault can be limited to."""

    NODE = "node"
    CLUSTER = "cluster"


class SecondsMeaning(StrEnum):
    """What the seconds of a fault say."""

    LONGER = "longer"  # how much longer something takes
    AFTER = "after"  # how long until it happens
    LASTS = "lasts"  # how long it lasts
    BACK = "back"  # how long each answer is held back


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault that can be switched on.

    `scope` is a FaultScope, `seconds` a SecondsMeaning; `usual` are the default seconds.
    """

    name: str
    scope: str
    seconds: str
    usual: float
    missing: str = ""  # why this machine does not offer it


@dataclass(frozen=True)
class FaultRule:
    """An active fault. An empty cluster or node means every one; `ends_in` is in seconds, or None."""

    name: str
    cluster: str = ""
    node: str = ""
    seconds: float | None = None
    ends_in: float | None = None


@dataclass(frozen=True)
class FaultOverview:
    """The kinds of fault, and the active ones."""

    kinds: Sequence[FaultKind]
    rules: Sequence[FaultRule]

    def kind(self, name: str) -> FaultKind | None:
        """Return the kind with this name."""
        return next((kind for kind in self.kinds if kind.name == name), None)


@dataclass(frozen=True)
class CoreCount:
    """How many cores of a core type the cloud has. `is_set`: an administrator set the number."""

    core_type: str
    cores: int
    taken: int
    free: int
    is_set: bool


@runtime_checkable
class FaultInjectingProvider(Protocol):
    """A provider whose cloud can be broken. Every method may raise ProviderBusy or OrderRefused."""

    def fault_overview(self) -> FaultOverview:
        """Return the kinds of fault and the active ones."""
        ...

    def switch_fault(self, rule: FaultRule, on: bool) -> FaultOverview:
        """Switch the fault with this name, cluster and node. Return the active ones now."""
        ...

    def core_counts(self, core_types: Sequence[str]) -> Sequence[CoreCount]:
        """Return the cores of these core types, and of any other that is in use."""
        ...

    def set_cores(self, core_type: str, cores: int | None) -> None:
        """Set how many cores there are; None restores the default."""
        ...


def parse_faults(document: Mapping[str, Any]) -> FaultOverview:
    """Parse the simulator's list of faults."""
    kinds = [
        FaultKind(row["name"], row["of"], row["seconds"], float(row["usual"]), str(row.get("missing") or ""))
        for row in document.get("kinds", [])
    ]
    rules = [
        FaultRule(row["name"], row["cluster"], row["node"], row["seconds"], row["ends_in"])
        for row in document.get("faults", [])
    ]
    return FaultOverview(kinds, rules)


def parse_core_counts(document: Mapping[str, Any]) -> list[CoreCount]:
    """Parse the simulator's capacity."""
    return [
        CoreCount(name, row["cores"], row["taken"], row["free"], row["set"])
        for name, row in document.get("capacity", {}).items()
    ]

"""What a provider can do that may be broken on purpose: only a simulated cloud can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

NEXT = "next"


@dataclass(frozen=True)
class FaultKind:
    """A fault there is. `of`: node, cluster (never about single nodes); `seconds`: longer, after, lasts, back."""

    name: str
    of: str
    seconds: str
    usual: float
    missing: str = ""  # why it cannot be had on this machine


@dataclass(frozen=True)
class FaultRule:
    """A fault that is on; an empty cluster or node means every one. `ends_in` seconds, or None."""

    name: str
    cluster: str = ""
    node: str = ""
    seconds: float | None = None
    ends_in: float | None = None


@dataclass(frozen=True)
class FaultBoard:
    """The faults there are, and those that are on."""

    kinds: Sequence[FaultKind]
    rules: Sequence[FaultRule]

    def kind(self, name: str) -> FaultKind | None:
        """The kind of that name."""
        return next((kind for kind in self.kinds if kind.name == name), None)


@dataclass(frozen=True)
class CoreCount:
    """How many cores of a core type the cloud has. `is_set`: a person said so."""

    core_type: str
    cores: int
    taken: int
    free: int
    is_set: bool


@runtime_checkable
class FaultInjectingProvider(Protocol):
    """A provider whose cloud can be broken. Every verb raises ProviderBusy and OrderRefused, as all others do."""

    def fault_board(self) -> FaultBoard:
        """What there is and what is on."""
        ...

    def switch_fault(self, rule: FaultRule, on: bool) -> FaultBoard:
        """Switch the fault with this name, cluster and node; what is on now."""
        ...

    def core_counts(self, core_types: Sequence[str]) -> Sequence[CoreCount]:
        """The cores of these core types, and of any other that is in use."""
        ...

    def set_cores(self, core_type: str, cores: int | None) -> None:
        """Say how many cores there are; None: as many as there were."""
        ...


def read_board(document: Mapping[str, Any]) -> FaultBoard:
    """The simulator's own document."""
    kinds = [
        FaultKind(row["name"], row["of"], row["seconds"], float(row["usual"]), str(row.get("missing") or ""))
        for row in document.get("kinds", [])
    ]
    rules = [
        FaultRule(row["name"], row["cluster"], row["node"], row["seconds"], row["ends_in"])
        for row in document.get("faults", [])
    ]
    return FaultBoard(kinds, rules)


def read_cores(document: Mapping[str, Any]) -> list[CoreCount]:
    """The simulator's own document."""
    return [
        CoreCount(name, row["cores"], row["taken"], row["free"], row["set"])
        for name, row in document.get("capacity", {}).items()
    ]

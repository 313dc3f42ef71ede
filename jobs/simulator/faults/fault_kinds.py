"""The kinds of fault: their names, what they can be narrowed to, and what their seconds mean."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FaultName(StrEnum):
    """The names by which faults are switched on."""

    SLOW_BOOT = "slow_boot"  # the node takes longer to start
    NEVER_REPORTS = "never_reports"  # the node boots and cannot reach the context broker
    CONTEXT_FAILS = "context_fails"  # the node's context script fails; it reports an error and fails
    NODE_DIES = "node_dies"  # the running node loses power
    NETWORK_CUT = "network_cut"  # the node's link to the cluster's other nodes is down
    DISK_FULL = "disk_full"  # no space is left in the home and in the temporary folders
    SWAPPED_HOST_KEY = "swapped_host_key"  # the node shows another host key than it reported
    NO_CAPACITY = "no_capacity"  # new clusters are refused
    API_DOWN = "api_down"  # the API answers 503 to everything but faults
    API_SLOW = "api_slow"  # the API holds its answers back
    DUPLICATE_ANSWERS = "duplicate_answers"  # every request and every report is carried out twice


class Scope(StrEnum):
    """The smallest thing that a fault can be narrowed to."""

    NODE = "node"
    CLUSTER = "cluster"


class Seconds(StrEnum):
    """What a fault's seconds mean."""

    LONGER = "longer"  # how much longer something takes
    AFTER = "after"  # after how long it happens
    LASTS = "lasts"  # how long it lasts; 0: until it is switched off
    BACK = "back"  # how long each answer is held back


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault that can be switched on. `usual`: its seconds unless others are given."""

    name: FaultName
    scope: Scope = Scope.NODE
    seconds: Seconds = Seconds.LASTS
    usual: float = 0

    def as_json(self) -> dict[str, Any]:
        """Return the kind as the API lists it. The scope's field is named `of`."""
        return {
            "name": self.name.value,
            "of": self.scope.value,
            "seconds": self.seconds.value,
            "usual": self.usual,
        }


KINDS = {
    kind.name: kind
    for kind in (
        FaultKind(FaultName.SLOW_BOOT, seconds=Seconds.LONGER, usual=60),
        FaultKind(FaultName.NEVER_REPORTS),
        FaultKind(FaultName.CONTEXT_FAILS),
        FaultKind(FaultName.NODE_DIES, seconds=Seconds.AFTER),
        FaultKind(FaultName.NETWORK_CUT),
        FaultKind(FaultName.DISK_FULL),
        FaultKind(FaultName.SWAPPED_HOST_KEY),
        FaultKind(FaultName.NO_CAPACITY, Scope.CLUSTER),
        FaultKind(FaultName.API_DOWN, Scope.CLUSTER),
        FaultKind(FaultName.API_SLOW, Scope.CLUSTER, Seconds.BACK, 5),
        FaultKind(FaultName.DUPLICATE_ANSWERS, Scope.CLUSTER),
    )
}

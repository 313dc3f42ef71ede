"""What every provider can do, and how it fails.

    ProviderError
    |- ProviderBusy       its fault, for now: unreachable, overloaded. Try again later.
    |- OrderRefused       it will never do this order: no capacity, a limit, a contradiction. Tell the person.

A provider is small and dumb. Every verb is idempotent: told twice, it does a thing once. What it must remember
it hands back as `state`, opaque JSON that the controller keeps in the cluster's row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

State = dict[str, Any]


class ProviderError(Exception):
    """Something a provider could not do. `message` is for people."""

    retryable = False

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


class ProviderBusy(ProviderError):
    """Not now. The same call may work later."""

    retryable = True


class OrderRefused(ProviderError):
    """Never. The same call will be refused again."""


@dataclass(frozen=True)
class NodeOrder:
    """One machine to bring up. `token` is what it proves itself with to the broker."""

    name: str
    role: str
    core_type: str
    cores: int
    memory_mb: int
    ssh_port: int
    boot_seconds: float
    token: str


@dataclass(frozen=True)
class ClusterOrder:
    """All machines of one cluster. `mark` tells the clusters of portals that share a cloud apart."""

    cluster_id: str
    mark: str
    username: str
    home: str
    broker_url: str
    nodes: Sequence[NodeOrder]


@dataclass(frozen=True)
class NodeSighting:
    """What the provider says of a node. `state`: booting, running, stopping, stopped or failed."""

    name: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class LoginRecord:
    """A login as the node wrote it down. One of `fingerprint` (a key) and `certificate` (its key id) is set."""

    sequence: int
    at: datetime
    node: str
    username: str
    source_address: str
    fingerprint: str = ""
    certificate: str = ""


@dataclass(frozen=True)
class NodeHolding:
    """A node that is there, and so costs, as the provider says."""

    name: str
    core_type: str
    cores: int
    state: str


@dataclass(frozen=True)
class ClusterSighting:
    """A cluster that is there. `mark` is what its order said of who ordered it; `state` is what `release` takes."""

    cluster_id: str
    mark: str
    state: State
    ordered_at: datetime
    nodes: Sequence[NodeHolding]


class Provider(Protocol):
    """A cloud."""

    def plan(self, order: ClusterOrder) -> State:
        """What the order will be known by. Saved before anything is ordered, so that no crash can lose a cluster."""
        ...

    def provision(self, order: ClusterOrder) -> State:
        """Order the cluster's machines. Raises ProviderBusy or OrderRefused."""
        ...

    def observe(self, state: State) -> Mapping[str, NodeSighting] | None:
        """What is there, by node name; None when nothing is (never was, or is gone)."""
        ...

    def admit(self, state: State, admission: Mapping[str, Any]) -> int | None:
        """Say who may come in: keys, CIDR rules, user authorities. Live within a second.

        Answers the version that is in force now (the newest ever given), None when there are no nodes.
        """
        ...

    def certify(self, state: State, certificates: Mapping[str, Sequence[str]]) -> None:
        """Give nodes, by name, the host certificates to show from now on. Live connections stay."""
        ...

    def logins(self, state: State, after: int) -> Sequence[LoginRecord]:
        """Logins whose sequence is greater than `after`, oldest first; not all at once if there are many."""
        ...

    def broadcast(self, state: State, message: str, key: str) -> None:
        """Have a message written to every terminal on the nodes, as `wall` does. The same key is said once."""
        ...

    def stop_nodes(self, state: State, names: Sequence[str], message: str) -> None:
        """Shut some nodes down. Returns at once; `observe` tells when they are stopped."""
        ...

    def release(self, state: State, message: str) -> None:
        """Take everything away. Returns at once; `observe` answers None when it is done."""
        ...

    def list(self) -> Sequence["ClusterSighting"]:
        """Every cluster that is there and was ordered with a mark, whoever ordered it."""
        ...

"""The interface of every provider, the documents it exchanges, and its errors.

    ProviderError
    |- ProviderBusy       unreachable or overloaded: the same call may work later.
    |- OrderRefused       no capacity, a limit, a contradiction: the same call will be refused again.
    |- UnreadableAnswer   it answered, but not as it should: an upgrade of one side may help.
       |- UnreadableList  the same of some clusters in its list; the others are in the error.

Every call is idempotent. What a provider must remember it returns as `state`, opaque JSON that the controller stores in
the cluster's row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

State = dict[str, Any]


class ProviderError(Exception):
    """A provider could not do something. `message` is for people."""

    retryable = False

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


class ProviderBusy(ProviderError):
    """The provider is unreachable or overloaded. The same call may work later."""

    retryable = True


class OrderRefused(ProviderError):
    """The provider will not carry out this order. The same call will be refused again."""


class UnreadableAnswer(ProviderError):
    """The provider answered, but the answer does not have the form it should have."""

    retryable = True


@dataclass(frozen=True)
class NodeOrder:
    """One node to boot. `token` is its one-time credential for the context broker."""

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
    """All nodes of one cluster. `portal_id` tells apart the clusters of portals that share a cloud.

    `api_url` is where the nodes' programs call the portal's API.
    """

    cluster_id: str
    portal_id: str
    username: str
    home: str
    broker_url: str
    nodes: Sequence[NodeOrder]
    api_url: str = ""


@dataclass(frozen=True)
class ObservedNode:
    """A node as the provider reports it. `state`: booting, running, stopping, stopped or failed.

    `since` and `until` are when it began and ended to exist, by the provider's record; None if there is none (yet).
    `address` and `port`: where its SSH server is; the portal believes these and not what the node says of itself.
    Empty and 0 if the provider does not know them.
    """

    name: str
    state: str
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    address: str = ""
    port: int = 0


@dataclass(frozen=True)
class NodeUsage:
    """How long a node existed, by the provider's record. `until` is None while it exists."""

    name: str
    core_type: str
    cores: int
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class LoginRecord:
    """A login as the node recorded it. Either `fingerprint` (of a key) or `certificate` (its key id) is set.

    `authority`: the fingerprint of the certificate's authority if it is one that the node's user trusts (a line
    `cert-authority` in its authorized_keys) and not the portal's.
    """

    sequence: int
    at: datetime
    node: str
    username: str
    source_address: str
    fingerprint: str = ""
    certificate: str = ""
    authority: str = ""


@dataclass(frozen=True)
class BillableNode:
    """A billable node, as the provider reports it."""

    name: str
    core_type: str
    cores: int
    state: str


@dataclass(frozen=True)
class ListedCluster:
    """An existing cluster. `portal_id` is that of its order; `state` is what `release` accepts."""

    cluster_id: str
    portal_id: str
    state: State
    ordered_at: datetime
    nodes: Sequence[BillableNode]


class UnreadableList(UnreadableAnswer):
    """Some clusters of the list cannot be read. `readable` has the others; what is missing there may still exist."""

    def __init__(self, message: str, readable: Sequence[ListedCluster]) -> None:
        super().__init__("unreadable_list", message)
        self.readable = readable


class Provider(Protocol):
    """A cloud. Every method may raise ProviderBusy, OrderRefused or UnreadableAnswer."""

    def plan(self, order: ClusterOrder) -> State:
        """Return the state that `provision` will return. It is saved first, so that no crash can lose a cluster."""
        ...

    def provision(self, order: ClusterOrder) -> State:
        """Order the cluster's nodes and return its state."""
        ...

    def observe(self, state: State) -> Mapping[str, ObservedNode] | None:
        """Return the existing nodes by name; None when the cluster does not exist (yet, or any more)."""
        ...

    def push_access(self, state: State, access_document: Mapping[str, Any]) -> int | None:
        """Push the access document (keys and rules) to all nodes. It is in force within a second.

        Return the version in force now, which is the newest ever pushed; None when there are no nodes.
        """
        ...

    def certify(self, state: State, certificates: Mapping[str, Sequence[str]]) -> None:
        """Install host certificates on nodes, by name. Open connections stay."""
        ...

    def logins(self, state: State, after: int) -> Sequence[LoginRecord]:
        """Return logins with a sequence greater than `after`, oldest first. It may return only some of many."""
        ...

    def broadcast(self, state: State, message: str, key: str) -> None:
        """Write a message to every terminal on the nodes, as `wall` does. A key is shown only once."""
        ...

    def stop_nodes(self, state: State, names: Sequence[str], message: str) -> None:
        """Shut down some nodes; their terminals see the message. Returns at once: `observe` shows when they stopped."""
        ...

    def release(self, state: State, message: str) -> None:
        """Release the whole cluster. Returns at once: `observe` returns None when it is gone.

        `message` is written to every terminal on nodes that still run, as for `stop_nodes`.
        """
        ...

    def usage(self, state: State) -> Sequence[NodeUsage] | None:
        """Return how long each node existed, also of a cluster that is gone; None if there is no record of it."""
        ...

    def list(self) -> Sequence[ListedCluster]:
        """Return every existing cluster that was ordered with a portal id, whichever portal ordered it.

        Raises UnreadableList rather than leave a cluster out.
        """
        ...

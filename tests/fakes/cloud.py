"""A cloud in memory whose every call may fail, be interrupted, or be killed, before or after it took effect.

`World` is one such cloud with its head nodes, a clock, a message queue, and a list of what is to happen at the next
boundaries: before and after each call to the cloud, to a head node and to the database.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from jobs.node_contract.access_document import AccessDocument, read_access_document
from jobs.providers.base import (
    BillableNode,
    ClusterOrder,
    ListedCluster,
    LoginRecord,
    NodeUsage,
    ObservedNode,
    OrderRefused,
    ProviderBusy,
    State,
)
from jobs.states import NODE_ENDING, NodeState
from sshgateway.ssh.command_output import Result
from sshgateway.ssh.errors import Unreachable
from tests.fakes.head_node import HeadNode


class Killed(BaseException):
    """kill -9 of the process that makes this pass: no code of the portal catches it."""


@dataclass
class Machines:
    """A cluster in the cloud."""

    order: ClusterOrder
    ordered_at: datetime
    nodes: dict[str, str]
    world: "World"
    ended: dict[str, datetime] = field(default_factory=dict)  # when nodes ended
    head: HeadNode = field(default_factory=HeadNode)
    is_ending: bool = False
    access: AccessDocument = field(default_factory=AccessDocument)
    addresses: dict[str, str] = field(default_factory=dict)  # node names by address, once they registered

    def come_up(self) -> None:
        """Let the booting nodes run."""
        for name, state in self.nodes.items():
            if state == NodeState.BOOTING:
                self.nodes[name] = NodeState.RUNNING

    def stop(self, names: Sequence[str]) -> None:
        """Begin to shut nodes down."""
        for name in names:
            if self.nodes.get(name, NodeState.STOPPED) not in NODE_ENDING:
                self.nodes[name] = NodeState.STOPPING

    def finish_stopping(self) -> None:
        """Let the nodes that are shutting down be off."""
        for name, state in self.nodes.items():
            if state == NodeState.STOPPING:
                self.end(name, NodeState.STOPPED)

    def end(self, name: str, state: NodeState) -> None:
        """Let a node be off, or fail, now."""
        self.nodes[name] = state
        self.ended.setdefault(name, self.world.cloud_now)

    def usage(self) -> list[NodeUsage]:
        """Return how long each node existed."""
        return [
            NodeUsage(node.name, node.core_type, node.cores, self.ordered_at, self.ended.get(node.name))
            for node in self.order.nodes
        ]


@dataclass(eq=False)
class PlannedEvent:
    """Something planned for the `left`th next boundary of a kind ("cloud", "ssh", "database")."""

    kind: str
    left: int
    act: Callable[[], None]
    needs_no_transaction: bool = (
        False  # not inside a transaction, where another worker could not continue either
    )


class World:
    """Everything outside the portal's process and database."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.cloud_offset = timedelta()  # of the cloud's clock from the portal's
        self.gone: dict[str, list[NodeUsage]] = {}  # what the nodes of removed clusters have used
        self.clusters: dict[str, Machines] = {}
        self.heads: dict[str, HeadNode] = {}  # also of clusters that are gone
        self.queue: list[str] = []
        self.planned: list[PlannedEvent] = []
        self.refuses_orders = False
        self.worker = "worker-1"
        self.logins = 0  # how many connections to nodes there were
        self.broken_results: list[Result] = []  # of the next commands on nodes

    @property
    def cloud_now(self) -> datetime:
        """The time in the cloud."""
        return self.now + self.cloud_offset

    def boundary(self, kind: str, outside_transaction: bool = True) -> None:
        """Let everything planned for now happen. May raise."""
        for event in list(self.planned):
            if event.kind != kind or event not in self.planned:  # an event inside another one did it
                continue
            event.left -= 1
            if event.left <= 0 and (outside_transaction or not event.needs_no_transaction):
                self.planned.remove(event)
                event.act()

    def node_at(self, address: str) -> tuple[str, str] | None:
        """Return cluster id and name of the node with this address."""
        for cluster_id, machines in self.clusters.items():
            if address in machines.addresses:
                return cluster_id, machines.addresses[address]
        return None

    def running_node(self, cluster_id: str, name: str) -> HeadNode:
        """Return the head of the cluster if this node is up. Raises Unreachable."""
        machines = self.clusters.get(cluster_id)
        if machines is None or machines.nodes.get(name) != NodeState.RUNNING:
            raise Unreachable(f"{name} does not answer.")
        return machines.head

    def finish_stopping(self) -> None:
        """Let every node that is shutting down be off."""
        for machines in self.clusters.values():
            machines.finish_stopping()

    def finish_deletions(self) -> None:
        """Remove the clusters that are being deleted."""
        for cluster_id in [key for key, found in self.clusters.items() if found.is_ending]:
            machines = self.clusters.pop(cluster_id)
            machines.stop(list(machines.nodes))
            machines.finish_stopping()
            self.gone.setdefault(cluster_id, []).extend(machines.usage())

    def finish_what_was_asked(self) -> None:
        """Let a while pass in the cloud."""
        self.finish_deletions()
        self.finish_stopping()

    @contextmanager
    def around(self, kind: str) -> Iterator[None]:
        """Wrap a call that leaves the process: it may fail before and after it took effect."""
        self.boundary(kind)
        yield
        self.boundary(kind)


class CloudThatMayBreakAnywhere:
    """The provider: idempotent operations on the world's clusters."""

    def __init__(self, world: World) -> None:
        self.world = world

    def plan(self, order: ClusterOrder) -> State:
        return {"id": order.cluster_id}

    def provision(self, order: ClusterOrder) -> State:
        with self.world.around("cloud"):
            known = self.world.clusters.get(order.cluster_id)
            if known is None:
                if self.world.refuses_orders:
                    raise OrderRefused("no_capacity", "No room.")
                nodes = {node.name: "booting" for node in order.nodes}
                head = self.world.heads.setdefault(order.cluster_id, HeadNode())
                self.world.clusters[order.cluster_id] = Machines(
                    order, self.world.cloud_now, nodes, self.world, head=head
                )
            elif known.is_ending:
                raise OrderRefused("deleting", "It is being deleted.")
            elif known.order != order:
                raise OrderRefused("spec_differs", "It exists with another specification.")
        return self.plan(order)

    def observe(self, state: State) -> Mapping[str, ObservedNode] | None:
        with self.world.around("cloud"):
            found = self.world.clusters.get(state.get("id", ""))
            if found is None:
                return None
            return {
                name: ObservedNode(name, value, "", found.ordered_at, found.ended.get(name))
                for name, value in found.nodes.items()
            }

    def push_access(self, state: State, access_document: Mapping[str, Any]) -> int | None:
        with self.world.around("cloud"):
            found = self.world.clusters.get(state["id"])
            if found is None:
                return None
            found.access = read_access_document(access_document).after(found.access)
            return found.access.version

    def certify(self, state: State, certificates: Mapping[str, Sequence[str]]) -> None:
        with self.world.around("cloud"):
            pass

    def logins(self, state: State, after: int) -> Sequence[LoginRecord]:
        with self.world.around("cloud"):
            return []

    def broadcast(self, state: State, message: str, key: str) -> None:
        with self.world.around("cloud"):
            pass

    def stop_nodes(self, state: State, names: Sequence[str], message: str) -> None:
        with self.world.around("cloud"):
            if found := self.world.clusters.get(state["id"]):
                found.stop(names)

    def release(self, state: State, message: str) -> None:
        with self.world.around("cloud"):
            if found := self.world.clusters.get(state.get("id", "")):
                found.is_ending = True
                found.stop(list(found.nodes))

    def usage(self, state: State) -> Sequence[NodeUsage] | None:
        with self.world.around("cloud"):
            cluster_id = state.get("id", "")
            earlier, now = self.world.gone.get(cluster_id, []), self.world.clusters.get(cluster_id)
            return [*earlier, *(now.usage() if now else [])] or None

    def list(self) -> Sequence[ListedCluster]:
        with self.world.around("cloud"):
            return [
                ListedCluster(
                    key,
                    found.order.portal_id,
                    {"id": key},
                    found.ordered_at,
                    [
                        BillableNode(n.name, n.core_type, n.cores, found.nodes[n.name])
                        for n in found.order.nodes
                    ],
                )
                for key, found in self.world.clusters.items()
                if found.order.portal_id
            ]


def busy() -> None:
    """Raise as if the cloud did not answer."""
    raise ProviderBusy("provider_unreachable", "The cloud does not answer.")


def kill() -> None:
    """Raise as if the worker was killed."""
    raise Killed


def later(world: World, seconds: float) -> None:
    """Move the clock on."""
    world.now += timedelta(seconds=seconds)

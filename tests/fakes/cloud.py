"""A cloud in memory whose every call may fail, be interrupted, or be killed, before or after it took effect.

`World` is one such cloud with its head nodes, a clock, a message queue, and a list of what is to happen at the next
boundaries: before and after each call to the cloud, to a head node and to the database.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from jobs.providers.base import (
    BillableNode,
    ClusterOrder,
    ListedCluster,
    LoginRecord,
    ObservedNode,
    OrderRefused,
    ProviderBusy,
    State,
)
from jobs.remote.command_runner import CommandState, CommandStatus, Listing
from sshgateway.ssh.errors import ConnectionLost, Unreachable


class Killed(BaseException):
    """kill -9 of the process that makes this pass: no code of the portal catches it."""


@dataclass
class HeadNode:
    """The state of the program on a head node, as `jobs/remote/program.py` keeps it."""

    began: int = 0  # how often a command was run: the promise is at most once
    is_running: bool = False
    exit_code: int | None = None
    why: str = ""
    lines: list[str] = field(default_factory=list)
    ignores_stop: bool = False  # its command does not end when it is asked to


@dataclass
class Machines:
    """A cluster in the cloud."""

    order: ClusterOrder
    ordered_at: datetime
    nodes: dict[str, str]
    head: HeadNode = field(default_factory=HeadNode)
    is_ending: bool = False


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
        self.clusters: dict[str, Machines] = {}
        self.heads: dict[str, HeadNode] = {}  # also of clusters that are gone
        self.queue: list[str] = []
        self.planned: list[PlannedEvent] = []
        self.refuses_orders = False
        self.worker = "worker-1"

    def boundary(self, kind: str, outside_transaction: bool = True) -> None:
        """Let everything planned for now happen. May raise."""
        for event in list(self.planned):
            if event.kind != kind or event not in self.planned:  # an event inside another one did it
                continue
            event.left -= 1
            if event.left <= 0 and (outside_transaction or not event.needs_no_transaction):
                self.planned.remove(event)
                event.act()

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
                self.world.clusters[order.cluster_id] = Machines(order, self.world.now, nodes, head)
            elif known.is_ending:
                raise OrderRefused("deleting", "It is being deleted.")
        return self.plan(order)

    def observe(self, state: State) -> Mapping[str, ObservedNode] | None:
        with self.world.around("cloud"):
            found = self.world.clusters.get(state.get("id", ""))
            if found is None:
                return None
            return {name: ObservedNode(name, value) for name, value in found.nodes.items()}

    def push_access(self, state: State, access_document: Mapping[str, Any]) -> int | None:
        with self.world.around("cloud"):
            return int(access_document["version"]) if state["id"] in self.world.clusters else None

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
                found.nodes.update(dict.fromkeys(names, "stopped"))

    def release(self, state: State, message: str) -> None:
        with self.world.around("cloud"):
            if found := self.world.clusters.get(state["id"]):
                found.is_ending = True
                found.nodes = dict.fromkeys(found.nodes, "stopping")

    def list(self) -> Sequence[ListedCluster]:
        with self.world.around("cloud"):
            return [
                ListedCluster(
                    key,
                    found.order.portal_id,
                    {"id": key},
                    found.ordered_at,
                    [BillableNode(n.name, n.core_type, n.cores, "running") for n in found.order.nodes],
                )
                for key, found in self.world.clusters.items()
            ]


class ConnectionToAHeadNode:
    """A pinned connection to the head node of one cluster; `client` functions take it."""

    def __init__(self, world: World, cluster_id: str) -> None:
        self.world, self.cluster_id = world, cluster_id

    def __enter__(self) -> "ConnectionToAHeadNode":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def sftp(self) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def call(self) -> Iterator[HeadNode]:
        """Make one call of the program there."""
        with self.world.around("ssh"):
            found = self.world.clusters.get(self.cluster_id)
            if found is None or found.nodes.get("head") != "running":
                raise Unreachable("The head node does not answer.")
            yield found.head


class ProgramOnTheNode:
    """Stands in for `jobs.remote.command_runner`: the same functions, on the world's head nodes."""

    def prepare(self, connection: ConnectionToAHeadNode, files: Mapping[str, str]) -> None:
        with connection.call():
            pass

    def unpack(self, connection: ConnectionToAHeadNode, names: Sequence[str]) -> list[str]:
        return []

    def start(self, connection: ConnectionToAHeadNode, command: str, env: Mapping[str, str]) -> None:
        with connection.call() as head:
            if not head.began:
                head.began += 1
                head.is_running = True
                head.lines.append("Process output follows:")

    def status(self, connection: ConnectionToAHeadNode, offset: int) -> CommandStatus:
        with connection.call() as head:
            return self._status(head, offset)

    def stop(self, connection: ConnectionToAHeadNode, why: str, offset: int) -> CommandStatus:
        with connection.call() as head:
            head.why = head.why or why
            if head.is_running and not head.ignores_stop:
                head.is_running, head.exit_code = False, 143
            return self._status(head, offset)

    def listing(self, connection: ConnectionToAHeadNode, limit: int) -> Listing:
        with connection.call():
            return Listing([], [], False)

    def _status(self, head: HeadNode, offset: int) -> CommandStatus:
        state = CommandState.NONE
        if head.began:
            ended = CommandState.ENDED if head.exit_code is not None else CommandState.LOST
            state = CommandState.RUNNING if head.is_running else ended
        lines = head.lines[offset : offset + 3]
        return CommandStatus(state, head.exit_code, head.why, lines, offset + len(lines), len(head.lines))


def busy() -> None:
    """Raise as if the cloud did not answer."""
    raise ProviderBusy("provider_unreachable", "The cloud does not answer.")


def connection_breaks() -> None:
    """Raise as if a connection to a node was lost."""
    raise ConnectionLost("The connection broke.")


def kill() -> None:
    """Raise as if the worker was killed."""
    raise Killed


def later(world: World, seconds: float) -> None:
    """Move the clock on."""
    world.now += timedelta(seconds=seconds)

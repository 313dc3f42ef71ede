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
    ClusterOrder,
    ClusterSighting,
    LoginRecord,
    NodeHolding,
    NodeSighting,
    OrderRefused,
    ProviderBusy,
    State,
)
from jobs.remote.client import CommandStatus, Listing
from sshgateway.ssh.errors import ConnectionLost, Unreachable


class Killed(BaseException):
    """kill -9 of the process that makes this pass: nothing of ours catches it."""


@dataclass
class HeadNode:
    """What the program on a head node remembers, as `jobs/remote/program.py` keeps it."""

    began: int = 0  # how often a command was run: the promise is at most once
    is_running: bool = False
    exit_code: int | None = None
    why: str = ""
    lines: list[str] = field(default_factory=list)
    is_obstinate: bool = False  # its command does not end when it is told to


@dataclass
class Machines:
    """A cluster as the cloud has it."""

    order: ClusterOrder
    ordered_at: datetime
    nodes: dict[str, str]
    head: HeadNode = field(default_factory=HeadNode)
    is_ending: bool = False


@dataclass(eq=False)
class Happening:
    """Something that is to happen at the `left`th next boundary of a kind ("cloud", "line", "database")."""

    kind: str
    left: int
    act: Callable[[], None]
    needs_calm: bool = False  # not inside of a transaction: another worker could not get on there either


class World:
    """Everything outside of the portal's process and database."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.clusters: dict[str, Machines] = {}
        self.heads: dict[str, HeadNode] = {}  # also of clusters that are gone
        self.queue: list[str] = []
        self.planned: list[Happening] = []
        self.refuses_orders = False
        self.worker = "worker-1"

    def boundary(self, kind: str, is_calm: bool = True) -> None:
        """Whatever is planned for now happens, and may raise."""
        for happening in list(self.planned):
            if happening.kind != kind or happening not in self.planned:  # it came inside of another one
                continue
            happening.left -= 1
            if happening.left <= 0 and (is_calm or not happening.needs_calm):
                self.planned.remove(happening)
                happening.act()

    @contextmanager
    def around(self, kind: str) -> Iterator[None]:
        """A call that leaves the process: it may break before and after it took effect."""
        self.boundary(kind)
        yield
        self.boundary(kind)


class CloudThatMayBreakAnywhere:
    """The provider: idempotent verbs on the world's clusters."""

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

    def observe(self, state: State) -> Mapping[str, NodeSighting] | None:
        with self.world.around("cloud"):
            found = self.world.clusters.get(state.get("id", ""))
            if found is None:
                return None
            return {name: NodeSighting(name, value) for name, value in found.nodes.items()}

    def admit(self, state: State, admission: Mapping[str, Any]) -> int | None:
        with self.world.around("cloud"):
            return int(admission["version"]) if state["id"] in self.world.clusters else None

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

    def list(self) -> Sequence[ClusterSighting]:
        with self.world.around("cloud"):
            return [
                ClusterSighting(
                    key,
                    found.order.mark,
                    {"id": key},
                    found.ordered_at,
                    [NodeHolding(n.name, n.core_type, n.cores, "running") for n in found.order.nodes],
                )
                for key, found in self.world.clusters.items()
            ]


class LineToAHeadNode:
    """A pinned connection to the head node of one cluster; `client` functions take it."""

    def __init__(self, world: World, cluster_id: str) -> None:
        self.world, self.cluster_id = world, cluster_id

    def __enter__(self) -> "LineToAHeadNode":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def sftp(self) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def call(self) -> Iterator[HeadNode]:
        """One call of the program there."""
        with self.world.around("line"):
            found = self.world.clusters.get(self.cluster_id)
            if found is None or found.nodes.get("head") != "running":
                raise Unreachable("The head node does not answer.")
            yield found.head


class ProgramOnTheNode:
    """In place of `jobs.remote.client`: the same functions, answered by the world's head nodes."""

    def prepare(self, line: LineToAHeadNode, files: Mapping[str, str]) -> None:
        with line.call():
            pass

    def unpack(self, line: LineToAHeadNode, names: Sequence[str]) -> list[str]:
        return []

    def start(self, line: LineToAHeadNode, command: str, env: Mapping[str, str]) -> None:
        with line.call() as head:
            if not head.began:
                head.began += 1
                head.is_running = True
                head.lines.append("Process output follows:")

    def status(self, line: LineToAHeadNode, offset: int) -> CommandStatus:
        with line.call() as head:
            return self._status(head, offset)

    def stop(self, line: LineToAHeadNode, why: str, offset: int) -> CommandStatus:
        with line.call() as head:
            head.why = head.why or why
            if head.is_running and not head.is_obstinate:
                head.is_running, head.exit_code = False, 143
            return self._status(head, offset)

    def listing(self, line: LineToAHeadNode, limit: int) -> Listing:
        with line.call():
            return Listing([], [], False)

    def _status(self, head: HeadNode, offset: int) -> CommandStatus:
        state = "none"
        if head.began:
            ended = "ended" if head.exit_code is not None else "lost"
            state = "running" if head.is_running else ended
        lines = head.lines[offset : offset + 3]
        return CommandStatus(state, head.exit_code, head.why, lines, offset + len(lines), len(head.lines))


def busy() -> None:
    """The cloud does not answer."""
    raise ProviderBusy("provider_unreachable", "The cloud does not answer.")


def line_breaks() -> None:
    """A connection to a node breaks."""
    raise ConnectionLost("The connection broke.")


def kill() -> None:
    """The worker is killed."""
    raise Killed


def later(world: World, seconds: float) -> None:
    """The clock moves on."""
    world.now += timedelta(seconds=seconds)

"""When the machine itself runs out of memory, the node that takes the most loses its largest program."""

import asyncio
from typing import Any

from jobs.simulator.cloud.host_memory_watch import MemoryWatch, machine_memory
from jobs.simulator.sandbox.agent_client import AgentError


class FakeNode:
    """A node whose programs use so many bytes; None: one that does not answer."""

    def __init__(self, size: int | None) -> None:
        self.size, self.hostname, self.relieved = size, f"node-{size}", 0
        self.control_group: Any = None

    def agent(self) -> "FakeNode":
        return self

    async def request(self, do: str, arguments: Any, seconds: float) -> tuple[dict[str, Any], list[int]]:
        if self.size is None:
            raise AgentError("no answer")
        self.relieved += do == "relieve"
        return {"bytes": self.size}, []

    async def report_kernel_kills(self) -> None:
        pass


class FakeGroup:
    """A control group in which the kernel counts so many bytes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def used_bytes(self) -> int:
        return self.size


def check(nodes: list[FakeNode], available: int) -> list[int]:
    """Check once on a machine with 16 GB; return how often each node was relieved."""
    # FakeNode is its own agent's client.
    watch = MemoryWatch(lambda: nodes, lambda: (available << 20, 16 << 30))  # type: ignore[arg-type, return-value]  # see above
    asyncio.run(watch.check())
    return [node.relieved for node in nodes]


def test_nothing_is_asked_while_there_is_room() -> None:
    assert check([FakeNode(1 << 30)], available=2000) == [0]


def test_the_node_with_the_most_is_relieved() -> None:
    assert check([FakeNode(1 << 20), FakeNode(1 << 30), FakeNode(None)], available=500) == [0, 1, 0]


def test_hidden_use_is_counted_to_whom_it_belongs() -> None:
    """What the kernel counts is believed, not what can be seen from inside."""
    hider, other = FakeNode(1 << 20), FakeNode(1 << 30)
    hider.control_group = FakeGroup(4 << 30)
    assert check([hider, other], available=500) == [1, 0]


def test_where_no_node_has_any_none_is_blamed() -> None:
    assert check([FakeNode(0), FakeNode(None)], available=10) == [0, 0]
    assert check([], available=10) == []


def test_the_memory_of_this_machine_can_be_read() -> None:
    available, total = machine_memory()
    assert 0 < available < total

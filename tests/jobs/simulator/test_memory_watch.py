"""When the machine itself runs out of memory, the node that takes the most loses its largest program."""

import asyncio
from typing import Any

from jobs.simulator.cloud.memory_watch import MemoryWatch, memory_of_machine
from jobs.simulator.sandbox.agent_client import Failed


class FakeNode:
    """A node whose programs take so many bytes; None: one that does not answer."""

    def __init__(self, size: int | None) -> None:
        self.size, self.hostname, self.relieved = size, f"node-{size}", 0

    def machine(self) -> "FakeNode":
        return self

    async def ask(self, do: str, words: Any, seconds: float) -> tuple[dict[str, Any], list[int]]:
        if self.size is None:
            raise Failed("no answer")
        self.relieved += do == "relieve"
        return {"bytes": self.size}, []


def look(nodes: list[FakeNode], available: int) -> list[int]:
    """One look on a machine with 16 GB; how often each node was relieved."""
    watch = MemoryWatch(lambda: nodes, lambda: (available << 20, 16 << 30))  # type: ignore[arg-type, return-value]
    asyncio.run(watch.look())
    return [node.relieved for node in nodes]


def test_nothing_is_asked_while_there_is_room() -> None:
    assert look([FakeNode(1 << 30)], available=2000) == [0]


def test_the_node_with_the_most_is_relieved() -> None:
    assert look([FakeNode(1 << 20), FakeNode(1 << 30), FakeNode(None)], available=500) == [0, 1, 0]


def test_where_no_node_has_any_none_is_blamed() -> None:
    assert look([FakeNode(0), FakeNode(None)], available=10) == [0, 0]
    assert look([], available=10) == []


def test_the_machine_tells() -> None:
    available, total = memory_of_machine()
    assert 0 < available < total

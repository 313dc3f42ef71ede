"""Watches the machine's memory: when it runs out, the node whose programs take the most loses its largest one.

The guard of each node keeps it within the memory it was ordered with; but a cloud sells more than this machine has.
Linux only; elsewhere there is nothing to read and nothing is done.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.simulator.sandbox.agent_client import Failed
from jobs.simulator.sandbox.fd_channel import Gone

if TYPE_CHECKING:
    from jobs.simulator.cloud.node import Node

log = logging.getLogger("simulator")
EVERY_SECONDS = 0.25
FLOOR_PART, LEAST_FLOOR = 16, 128 << 20  # a sixteenth of the machine's memory, at least 128 MB
ASK_SECONDS = 5
MEMORY = Path("/proc/meminfo")


def memory_of_machine() -> tuple[int, int]:
    """Bytes available without swapping, and bytes in all; (0, 0) where the system does not tell."""
    try:
        lines = MEMORY.read_text().splitlines()
        found = {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines}
        return found["MemAvailable"], found["MemTotal"]
    except (OSError, ValueError, KeyError, IndexError):
        return 0, 0


class MemoryWatch:
    """`nodes` tells those that are up."""

    def __init__(
        self,
        nodes: Callable[[], Sequence["Node"]],
        memory: Callable[[], tuple[int, int]] = memory_of_machine,
    ) -> None:
        self._nodes, self._memory = nodes, memory

    async def run(self) -> None:
        """Look several times a second, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Cheap while there is room; the nodes are asked only below the floor."""
        available, total = self._memory()
        if available >= max(total // FLOOR_PART, min(LEAST_FLOOR, total // 2)):
            return
        nodes = list(self._nodes())
        sizes = await asyncio.gather(*map(_bytes_of, nodes))
        largest = max(zip(sizes, nodes, strict=True), key=lambda pair: pair[0], default=(0, None))
        if (node := largest[1]) is None or not largest[0]:
            return  # no node's doing
        log.error("memory is nearly used up (%d MB left): %s loses a program", available >> 20, node.hostname)
        try:
            await node.machine().ask("relieve", {}, ASK_SECONDS)
        except (Failed, Gone):
            pass  # then it does not run any more


async def _bytes_of(node: "Node") -> int:
    try:
        answer, _ = await node.machine().ask("memory", {}, ASK_SECONDS)
    except (Failed, Gone):
        return 0
    return int(answer.get("bytes", 0))

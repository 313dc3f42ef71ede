"""Kill the largest program of the largest node when the machine runs out of memory.

Each node's guard keeps it within the memory that was ordered, but a cloud sells more than this machine has.
Linux only: elsewhere there is nothing to read, and nothing is done.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from jobs.simulator.sandbox.agent_client import AgentClient, AgentError
from jobs.simulator.sandbox.control_groups import ControlGroup
from jobs.simulator.sandbox.fd_channel import ChannelClosed

log = logging.getLogger("simulator")
INTERVAL_SECONDS = 0.25
KILLS_EVERY = 4  # looks
FLOOR_PART, LEAST_FLOOR = 16, 128 << 20  # a sixteenth of the machine's memory, at least 128 MB
REQUEST_SECONDS = 5
MEMINFO = Path("/proc/meminfo")


class WatchedNode(Protocol):
    """What the watch needs of a node."""

    @property
    def hostname(self) -> str:
        """The name for the log."""

    @property
    def control_group(self) -> ControlGroup | None:
        """Where the kernel counts what it uses."""

    def agent(self) -> AgentClient:
        """Return the agent's client; raise ChannelClosed if the node is not up."""

    async def report_kernel_kills(self) -> None:
        """Tell its people of programs that the kernel has killed."""


def machine_memory() -> tuple[int, int]:
    """Return the bytes available without swapping, and all bytes; (0, 0) where the system does not tell."""
    try:
        lines = MEMINFO.read_text().splitlines()
        found = {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines}
        return found["MemAvailable"], found["MemTotal"]
    except (OSError, ValueError, KeyError, IndexError):
        return 0, 0


class MemoryWatch:
    """`nodes` returns those that are up."""

    def __init__(
        self,
        nodes: Callable[[], Sequence[WatchedNode]],
        memory: Callable[[], tuple[int, int]] = machine_memory,
    ) -> None:
        self._nodes, self._memory = nodes, memory

    async def run(self) -> None:
        """Check several times a second, for ever."""
        for look in itertools.count():
            await self.check()
            if look % KILLS_EVERY == 0:
                await asyncio.gather(*(node.report_kernel_kills() for node in self._nodes()))
            await asyncio.sleep(INTERVAL_SECONDS)

    async def check(self) -> None:
        """Compare the available memory with the floor; nodes are asked only below it."""
        available, total = self._memory()
        if available >= max(total // FLOOR_PART, min(LEAST_FLOOR, total // 2)):
            return
        nodes = list(self._nodes())
        sizes = await asyncio.gather(*map(_used_bytes, nodes))
        size, node = max(zip(sizes, nodes, strict=True), key=lambda pair: pair[0], default=(0, None))
        if node is None or not size:
            return  # no node is the cause
        log.error("memory is nearly used up (%d MB left): %s loses a program", available >> 20, node.hostname)
        try:
            await node.agent().request("relieve", {}, REQUEST_SECONDS)
        except (AgentError, ChannelClosed):
            pass  # then it no longer runs


async def _used_bytes(node: WatchedNode) -> int:
    """Return what a node uses: by the kernel's count if it has one, else what its agent can see."""
    if node.control_group is not None:
        return node.control_group.used_bytes()
    try:
        message, _ = await node.agent().request("used_memory", {}, REQUEST_SECONDS)
    except (AgentError, ChannelClosed):
        return 0
    return int(message.get("bytes", 0))

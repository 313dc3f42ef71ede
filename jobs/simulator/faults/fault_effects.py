"""Apply the active faults to one running node, and undo the ones that are switched off."""

import asyncio

from jobs.simulator.boot.node_record import ENDING, NodeState
from jobs.simulator.faults.affected_node import AffectedNode
from jobs.simulator.faults.fault_kinds import FaultName
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.sandbox.launcher_client import LauncherFailed


class FaultEffects:
    """What one node suffers from at the moment."""

    def __init__(self, node: AffectedNode) -> None:
        self._node = node
        # One change at a time, so that a slower one does not undo a later one.
        self._changing = asyncio.Lock()
        self._is_link_down = self._is_disk_full = False
        self._death: asyncio.TimerHandle | None = None

    def take_up(self, is_link_down: bool, is_disk_full: bool) -> None:
        """Note what the node suffers from since an earlier simulator ran."""
        self._is_link_down, self._is_disk_full = is_link_down, is_disk_full

    async def apply(self) -> None:
        """Apply the active faults; undo the ones switched off. What is impossible here goes to the node's log."""
        node = self._node
        async with self._changing:
            if node.state in ENDING or node.is_closing:
                return
            self._apply_death()
            is_swapped = node.fault(FaultName.SWAPPED_HOST_KEY) is not None
            if node.identity.is_swapped != is_swapped:
                await node.identity.swap_key(is_swapped)
            try:
                await self._apply_network_cut()
                await self._apply_full_disk()
            except (LauncherFailed, ChannelClosed) as error:
                node.say(f"simulator: this fault cannot be had: {error}")

    def _apply_death(self) -> None:
        rule = self._node.fault(FaultName.NODE_DIES)
        if rule is None and self._death is not None:
            self._death.cancel()
            self._death = None
        elif rule is not None and self._death is None and self._node.state is NodeState.RUNNING:
            loop = asyncio.get_running_loop()
            self._death = loop.call_later(rule.seconds, self._node.lose_power)

    async def _apply_network_cut(self) -> None:
        is_down = self._node.fault(FaultName.NETWORK_CUT) is not None
        if is_down == self._is_link_down:
            return
        launcher = await self._node.launcher()
        await launcher.set_link(self._node.spec.name, not is_down)
        self._is_link_down = is_down
        self._node.say(f"network: eth0: link is {'down' if is_down else 'up'}")

    async def _apply_full_disk(self) -> None:
        node = self._node
        is_full = node.fault(FaultName.DISK_FULL) is not None
        if is_full == self._is_disk_full:
            return
        launcher = await node.launcher()
        await launcher.change_disk(node.spec.name, is_full, node.home, node.temporary_bytes)
        self._is_disk_full = is_full
        node.say(
            "kernel: No space left on device" if is_full else "kernel: there is space on the device again"
        )

"""What the faults do to one node: at its boot, and while it runs."""

import asyncio
import random
from typing import TYPE_CHECKING

from jobs.simulator.cloud.node_record import ENDED
from jobs.simulator.sandbox.fd_channel import Gone
from jobs.simulator.sandbox.launcher_pool import RackFailed

if TYPE_CHECKING:
    from jobs.simulator.cloud.node import Node

FIRMWARE = ("firmware: memory check", "kernel: started", "network: address assigned", "cloud-init: context")


async def firmware(node: "Node", resumed: bool) -> None:
    """The time a machine takes to come up: none in the instant mode, or when it was up before. The fault `slow_boot`
    adds to it, as long as it is on."""
    cluster = node.cluster
    if resumed:
        return
    seconds = 0.0
    if not cluster.instant:
        dice = random.Random(f"{cluster.seed}/{cluster.id}/{node.spec.name}")
        seconds = node.spec.boot_seconds * dice.uniform(0.8, 1.25)
    slow = node.fault("slow_boot")
    if not seconds and slow is None:
        return
    for text in FIRMWARE:
        await asyncio.sleep(seconds / len(FIRMWARE))
        node.say(text)
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (slow := node.fault("slow_boot")) is not None:
        left = began + slow.seconds - loop.time()
        if left <= 0:
            return
        node.say(f"firmware: still checking, {left:.0f} s to go")
        try:
            await asyncio.wait_for(cluster.faults.changed(), left)
        except TimeoutError:
            return


async def way_to_the_broker(node: "Node") -> None:
    """The fault `never_reports`: the node goes on when it is off."""
    if node.fault("never_reports") is not None:
        node.say("network: no route to the context broker")
        await node.cluster.faults.until_off("never_reports", node.cluster.id, node.spec.name)
        node.say("network: the context broker can be reached")


class Trouble:
    """What a node suffers from at the moment. One change after the other, so that none is undone by a slower one."""

    def __init__(self) -> None:
        self._one_by_one = asyncio.Lock()
        self._cut = self._full = False
        self._death: asyncio.TimerHandle | None = None

    async def meet(self, node: "Node") -> None:
        """Be as the faults want it; what cannot be had here is said in the node's log."""
        async with self._one_by_one:
            if node.record.state in ("stopping", *ENDED) or node.cluster.closing:
                return
            self._meet_death(node)
            if node.identity.swapped != (swapped := node.fault("swapped_host_key") is not None):
                await node.identity.show(swapped=swapped)
            try:
                await self._meet_cable(node)
                await self._meet_disk(node)
            except (RackFailed, Gone) as error:
                node.say(f"simulator: this fault cannot be had: {error}")

    def _meet_death(self, node: "Node") -> None:
        rule = node.fault("node_dies")
        if rule is None and self._death is not None:
            self._death.cancel()
            self._death = None
        elif rule is not None and self._death is None and node.record.state == "running":
            self._death = asyncio.get_running_loop().call_later(rule.seconds, node.lose_power)

    async def _meet_cable(self, node: "Node") -> None:
        cut = node.fault("network_cut") is not None
        if cut != self._cut:
            rack = await node.cluster.rack()
            await rack.plug(node.spec.name, not cut)
            self._cut = cut
            node.say("network: eth0: link is down" if cut else "network: eth0: link is up")

    async def _meet_disk(self, node: "Node") -> None:
        full = node.fault("disk_full") is not None
        if full != self._full:
            rack = await node.cluster.rack()
            size = node.cluster.limits(node).temporary_bytes
            await rack.change_disk(node.spec.name, full, node.home, size)
            self._full = full
            node.say(
                "kernel: No space left on device" if full else "kernel: there is space on the device again"
            )

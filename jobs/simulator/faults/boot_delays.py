"""Make a node wait while it boots: the ordered boot time, then the faults `slow_boot` and `never_reports`."""

import asyncio
import random

from jobs.simulator.faults.affected_node import AffectedNode
from jobs.simulator.faults.fault_kinds import FaultName

FIRMWARE_LINES = (
    "firmware: memory check",
    "kernel: started",
    "network: address assigned",
    "cloud-init: context",
)


def firmware_seconds(node: AffectedNode, seed: int) -> float:
    """Return how long the node's firmware takes: what was ordered, more or less, and always the same for one seed."""
    dice = random.Random(f"{seed}/{node.cluster_id}/{node.spec.name}")
    return node.spec.boot_seconds * dice.uniform(0.8, 1.25)


async def wait_for_firmware(node: AffectedNode, seconds: float) -> None:
    """Wait so long, and as long as the fault `slow_boot` says, if it is on."""
    if not seconds and node.fault(FaultName.SLOW_BOOT) is None:
        return
    for line in FIRMWARE_LINES:
        await asyncio.sleep(seconds / len(FIRMWARE_LINES))
        node.say(line)
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (slow := node.fault(FaultName.SLOW_BOOT)) is not None:
        left = began + slow.seconds - loop.time()
        if left <= 0:
            return
        node.say(f"firmware: still checking, {left:.0f} s to go")
        try:
            await asyncio.wait_for(node.faults.wait_for_change(), left)
        except TimeoutError:
            return


async def wait_for_broker_route(node: AffectedNode) -> None:
    """Wait while the fault `never_reports` is on."""
    if node.fault(FaultName.NEVER_REPORTS) is None:
        return
    node.say("network: no route to the context broker")
    await node.faults.wait_until_off(FaultName.NEVER_REPORTS, node.cluster_id, node.spec.name)
    node.say("network: the context broker can be reached")

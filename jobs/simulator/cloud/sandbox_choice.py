"""Find the best protection that really starts a node on this machine."""

import asyncio
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.node_contract.context_files import Host
from jobs.simulator.boot.node_record import NodeAddress
from jobs.simulator.cloud.address_pool import AddressPool
from jobs.simulator.cloud.cluster_environment import ClusterEnvironment
from jobs.simulator.cloud.services import CloudServices
from jobs.simulator.sandbox.agent_client import AgentClient, AgentError
from jobs.simulator.sandbox.agent_install import install_agent
from jobs.simulator.sandbox.control_groups import ControlGroup
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.sandbox.launcher_client import LauncherClient
from jobs.simulator.sandbox.protection import NodeFeatures, Sandbox, candidates
from jobs.simulator.sandbox.unix_users import PROBE
from jobs.simulator.settings import Settings, WrongSetting
from jobs.simulator.spec import read_cluster
from jobs.simulator.store import Store

PROBE_SECONDS = 15
PROBE_PORT = 32100
PROBE_ORDER: dict[str, Any] = {
    "username": "uprod_probe",
    "home": "/enc/uprod_probe",
    "broker_url": "http://localhost/",
    "nodes": [
        {
            "name": "head", "role": "head", "core_type": "probe", "cores": 1, "memory_mb": 64,
            "ssh_port": PROBE_PORT, "boot_seconds": 0, "token": "none",
        }
    ],
}  # fmt: skip


class ProbeFailed(Exception):
    """A node could not be started; the text says why."""


async def choose_sandbox(
    settings: Settings,
    store: Store,
    addresses: AddressPool,
    services_with: Callable[[Sandbox], CloudServices],
) -> tuple[CloudServices, NodeFeatures]:
    """Return services with the best sandbox, and what its nodes have. Raises WrongSetting."""
    tried = []
    number = zlib.crc32(str(settings.var).encode())
    outside = Path(f"/var/tmp/headnode-{number:08x}")  # noqa: S108 - checked to be the simulator's
    for sandbox in candidates(settings.sandbox, number):
        if sandbox.needs_open_folders:
            store.move_out(outside)
        services = services_with(sandbox)
        try:
            return services, await _probe(services, addresses)
        except ProbeFailed as failure:
            tried.append(f"{sandbox.protection} with {sandbox.python.path}: {failure}")
    raise WrongSetting("No protection for nodes can be had on this machine. Tried " + "; ".join(tried) + ".")


async def _probe(services: CloudServices, addresses: AddressPool) -> NodeFeatures:
    """Start one node, run a program on it and end it. Return what the node had."""
    if not install_agent(services.sandbox.python, services.store.run):
        raise ProbeFailed("this Python cannot run the agent")
    spec = read_cluster("probe", PROBE_ORDER)
    base = services.sandbox.uid_base
    environment = ClusterEnvironment(services, spec, None if base is None else base + PROBE)
    group = environment.control_group(spec.nodes[0])
    address, bound = addresses.acquire(PROBE_PORT)
    output = environment.folder / "head.log"
    try:
        return await _run_program(environment, address, group)
    except (AgentError, ChannelClosed, TimeoutError, OSError) as error:
        last = output.read_text(errors="replace").strip()[-300:] if output.exists() else ""
        raise ProbeFailed(f"{error or 'no answer'} {last}".strip()) from None
    finally:
        await environment.close()
        if group is not None:
            await group.end()
        bound.close()
        addresses.release(address)
        services.store.remove(spec.id)


async def _run_program(
    environment: ClusterEnvironment, address: NodeAddress, group: ControlGroup | None
) -> NodeFeatures:
    node = environment.spec.nodes[0]
    key = environment.private_key(node.name).export_public_key().decode().strip()
    environment.make_files([Host(node.name, address.hostname, address.private_address, node.ssh_port, key)])
    launcher = await environment.launcher()
    agent = _start(launcher, environment, address, group)
    await asyncio.wait_for(agent.ready, PROBE_SECONDS)
    program = await agent.spawn("/bin/sh", ["sh", "-c", "exit 7"], {}, environment.home_inside, None)
    status, _ = await asyncio.wait_for(program.ended, PROBE_SECONDS)
    if status != 7:
        raise ProbeFailed(f"a command ended with {status}")
    return NodeFeatures(
        network_per_node=launcher.has_network_per_node,
        filters_syscalls=agent.filters_syscalls,
        control_group=group is not None and group.has_members(),
    )


def _start(
    launcher: LauncherClient,
    environment: ClusterEnvironment,
    address: NodeAddress,
    group: ControlGroup | None,
) -> AgentClient:
    node = environment.spec.nodes[0]
    command = environment.node_command(address.hostname, node)
    members = group.members if group is not None else []
    return launcher.start_node(
        node.name,
        command,
        address.private_address,
        environment.folder,
        members,
        lambda notice: None,
        lambda: None,
    )

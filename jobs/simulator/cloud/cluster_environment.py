"""What the nodes of one cluster share besides each other: folders, keys, a launcher, access and login records."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncssh

from jobs.node_contract.context_files import Host
from jobs.simulator.cloud.cluster_access import ClusterAccess
from jobs.simulator.cloud.login_records import LoginRecords
from jobs.simulator.cloud.services import CloudServices
from jobs.simulator.sandbox.agent_install import PROGRAMS_FOLDER, SYSTEM_PATH
from jobs.simulator.sandbox.bubblewrap import AGENT_INSIDE, CONTEXT_INSIDE, NodeFolders
from jobs.simulator.sandbox.control_groups import ControlGroup
from jobs.simulator.sandbox.etc_files import CLUSTER_KEY, etc_files
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.sandbox.installed_programs import login_shell
from jobs.simulator.sandbox.launcher_client import LauncherClient, LauncherFailed
from jobs.simulator.sandbox.limits import NodeLimits
from jobs.simulator.spec import ClusterSpec, NodeSpec

TTY_GROUP = 5  # of this machine's own terminals, on every Linux


class ClusterEnvironment:
    """One cluster's surroundings on this machine; knows no node."""

    def __init__(self, services: CloudServices, spec: ClusterSpec, uid: int | None) -> None:
        self.services, self.spec, self.uid = services, spec, uid
        self.access = ClusterAccess()
        self.logins = LoginRecords(self.folder / "logins.jsonl")
        self._cluster_key: asyncssh.SSHKey | None = None
        self._launcher: asyncio.Task[LauncherClient] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # -- folders and files ------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """The cluster's folder in the state, closed to its nodes."""
        return self.services.store.clusters / self.spec.id

    @property
    def shown_folders(self) -> NodeFolders:
        """The folders that nodes see."""
        store = self.services.store
        home = store.homes / self.spec.id / self.spec.username
        return NodeFolders(home, store.etc / self.spec.id, store.run)

    @property
    def home_inside(self) -> str:
        """The home as programs on the nodes see it: /enc/<user>, where a sandbox can show it there."""
        return self.spec.home if self.services.sandbox.has_own_root else str(self.shown_folders.home)

    @property
    def _has_own_network(self) -> bool:
        return self.services.sandbox.has_own_network

    def make_files(self, hosts: Sequence[Host]) -> None:
        """Make the home, /etc and each node's context folder. Raises OSError."""
        store, spec = self.services.store, self.spec
        self._cluster_key = self.private_key("cluster")
        store.make_home(spec.id, spec.username, self.uid, self.uid)
        private = self._cluster_key.export_private_key().decode()
        numbers = {} if self._has_own_network or self.uid is None else {"uid": self.uid, "tty": TTY_GROUP}
        files = etc_files(spec.username, self.home_inside, hosts, login_shell(), private, **numbers)
        store.make_etc(spec.id, files, CLUSTER_KEY, self.uid)
        for host in hosts:
            store.make_context_folder(spec.id, host.hostname, self.uid)

    def context_folder(self, hostname: str) -> str:
        """Return where a node's programs find their context."""
        if self._has_own_network:
            return CONTEXT_INSIDE
        if self.services.sandbox.own_root:
            return f"{CONTEXT_INSIDE}/context.{hostname}"
        return str(self.shown_folders.etc / f"context.{hostname}")

    @property
    def path(self) -> str:
        """Return the PATH of a node's programs."""
        run = AGENT_INSIDE if self._has_own_network else str(self.shown_folders.run)
        return f"{SYSTEM_PATH}:{run}/{PROGRAMS_FOLDER}"

    def write_context(self, hostname: str, files: Mapping[str, str], *, executable: bool = False) -> None:
        """Write files into a node's context folder. Raises OSError."""
        self.services.store.write_context(
            self.spec.id, hostname, dict(files), self.uid, executable=executable
        )

    # -- keys -------------------------------------------------------------------------------------

    @property
    def cluster_key(self) -> bytes | None:
        """The key by which the nodes log in to each other: only accepted from inside the cluster's network."""
        key = self._cluster_key if self._has_own_network else None
        return key.public_data if key is not None else None

    def private_key(self, name: str) -> asyncssh.SSHKey:
        """Return the key of a node, or of the cluster, made when it is first asked for."""
        return asyncssh.import_private_key(
            self.services.store.private_key(self.spec.id, name, _new_private_key)
        )

    # -- nodes' processes -------------------------------------------------------------------------

    def limits(self, node: NodeSpec) -> NodeLimits:
        """Return what a node's programs may take."""
        return NodeLimits.for_size(node.cores, node.memory_mb, self.services.settings.file_mb)

    def node_command(self, hostname: str, node: NodeSpec) -> list[str]:
        """Return the command line that becomes a node."""
        return self.services.sandbox.node_command(
            self.shown_folders, self.spec.home, hostname, self.limits(node)
        )

    def control_group(self, node: NodeSpec) -> ControlGroup | None:
        """Return the control group for a node about to start; None where the kernel allows none."""
        groups, limits = self.services.groups, self.limits(node)
        if groups is None:
            return None
        return groups.make(f"{self.spec.id}.{node.name}", limits.memory_mb << 20, limits.processes)

    async def launcher(self) -> LauncherClient:
        """Return the cluster's launcher, started for whoever asks first. Raises ChannelClosed."""
        if self._launcher is None:
            self._launcher = asyncio.create_task(self._start_launcher())
        try:
            return await asyncio.shield(self._launcher)
        except LauncherFailed as error:
            raise ChannelClosed(f"the cluster's sandbox could not be made: {error}") from None

    @property
    def processes(self) -> list[int]:
        """The process that all others of the cluster are below; none before it has started."""
        task = self._launcher
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return []
        return [task.result().process.pid]

    async def _start_launcher(self) -> LauncherClient:
        services = self.services
        plan = services.sandbox.launcher_plan(
            self.uid,
            self.shown_folders,
            self.home_inside,
            services.settings.network_per_node,
            max(self.limits(node).temporary_bytes for node in self.spec.nodes),
            hide_processes=services.groups is not None,
        )
        return await services.launchers.start(plan)

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something to its end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End the launcher with every node, and what runs in the background."""
        if self._launcher is not None:
            try:
                (await self._launcher).close()
            except (LauncherFailed, OSError):
                pass
        for task in list(self._tasks):
            task.cancel()


def _new_private_key() -> bytes:
    return asyncssh.generate_private_key("ssh-ed25519").export_private_key()

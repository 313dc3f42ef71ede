"""What the nodes of one cluster share besides each other: folders, keys, a launcher, access and login records."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncssh

from jobs.node_contract.context_files import Host
from jobs.simulator.cloud.cluster_access import ClusterAccess
from jobs.simulator.cloud.login_records import LoginRecords
from jobs.simulator.cloud.services import CloudServices
from jobs.simulator.sandbox import launcher_process
from jobs.simulator.sandbox.agent_install import PROGRAMS_FOLDER, SYSTEM_PATH, runtime_digest
from jobs.simulator.sandbox.bubblewrap import AGENT_INSIDE, CONTEXT_INSIDE, NodeFolders
from jobs.simulator.sandbox.control_groups import ControlGroup
from jobs.simulator.sandbox.etc_files import CLUSTER_KEY, etc_files
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.sandbox.installed_programs import login_shell
from jobs.simulator.sandbox.launcher_client import LauncherClient, LauncherFailed
from jobs.simulator.sandbox.launcher_process import LauncherProcess
from jobs.simulator.sandbox.limits import NodeLimits
from jobs.simulator.spec import ClusterSpec, NodeSpec

log = logging.getLogger("simulator")
TTY_GROUP = 5  # of this machine's own terminals, on every Linux
END_SECONDS = 1.0


class ClusterEnvironment:
    """One cluster's surroundings on this machine; knows no node."""

    def __init__(self, services: CloudServices, spec: ClusterSpec, uid: int | None) -> None:
        self.services, self.spec, self.uid = services, spec, uid
        self.access = ClusterAccess()
        self.logins = LoginRecords(self.folder / "logins.jsonl")
        self._cluster_key: asyncssh.SSHKey | None = None
        # Nodes that ran when an earlier simulator was killed: they may be running still.
        self.ran_before: set[str] = set()
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
        run = AGENT_INSIDE if self.services.sandbox.has_own_root else str(self.shown_folders.run)
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

    @property
    def _plan(self) -> dict[str, Any]:
        """What the launcher does before it starts nodes."""
        services = self.services
        return services.sandbox.launcher_plan(
            self.uid,
            self.shown_folders,
            self.home_inside,
            services.settings.network_per_node,
            max(self.limits(node).temporary_bytes for node in self.spec.nodes),
            hide_processes=services.groups is not None,
        )

    @property
    def _runtime(self) -> str:
        """What the launcher and its nodes run, and how: only the same is taken up."""
        return f"{self.services.sandbox.protection} {json.dumps(self._plan)} {runtime_digest()}"

    def left_launcher(self) -> LauncherProcess | None:
        """Return the launcher that an earlier simulator left, if it runs nodes that can be taken up."""
        found = launcher_process.noted(self.folder) if self.ran_before else None
        return found[0] if found is not None and found[1] == self._runtime else None

    async def _start_launcher(self) -> LauncherClient:
        if (left := self.left_launcher()) is not None:
            try:
                return await self._take_up_launcher(left)
            except LauncherFailed as error:
                log.warning("cluster %s: its nodes are booted again: %s", self.spec.id, error)
        return await self.services.launchers.start(self._plan, self.folder, self._runtime)

    async def _take_up_launcher(self, left: LauncherProcess) -> LauncherClient:
        launcher = await LauncherClient.take_up(left, self.folder)
        for name in launcher.nodes - self.ran_before:
            launcher.kill_node(name)  # it was shutting down, or had not come up
        return launcher

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something to its end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End the launcher with every node, and what runs in the background."""
        if self._launcher is not None:
            with contextlib.suppress(LauncherFailed, OSError, TimeoutError):
                (await asyncio.wait_for(self._launcher, END_SECONDS)).close()
        # Also one that an earlier simulator left, and that has not been taken up by now.
        if (left := launcher_process.noted(self.folder)) is not None:
            left[0].kill()
        for task in list(self._tasks):
            task.cancel()


def _new_private_key() -> bytes:
    return asyncssh.generate_private_key("ssh-ed25519").export_private_key()

"""One cluster: its nodes, its network and home, who may log in, and its file on disk."""

import asyncio
import collections
import contextlib
import logging
import os
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import httpx

from jobs.simulator.cloud.addresses import Place
from jobs.simulator.cloud.login_records import LoginBook
from jobs.simulator.cloud.node import Node
from jobs.simulator.cloud.node_record import ENDED, Record, broadcast
from jobs.simulator.faults.fault_rules import Faults
from jobs.simulator.sandbox.agent_client import Failed
from jobs.simulator.sandbox.etc_files import Host, shared_files
from jobs.simulator.sandbox.fd_channel import Gone
from jobs.simulator.sandbox.launcher_pool import Launcher, RackFailed
from jobs.simulator.sandbox.limits import NodeLimits
from jobs.simulator.sandbox.protection import CONTEXT_INSIDE, SFTP_SERVERS, Sandbox
from jobs.simulator.sandbox.unix_users import end_user
from jobs.simulator.spec import Access, ClusterSpec, NodeSpec
from jobs.simulator.ssh_server.access_document import Admission
from jobs.simulator.store import Store

if TYPE_CHECKING:
    from jobs.simulator.cloud.cloud import Cloud

log = logging.getLogger("simulator")
CLUSTER_KEY = "ssh/cluster_key"
MESSAGES_REMEMBERED = 64
WALL_SECONDS = 10.0


class Cluster:
    """Nodes that share a user, a home and a network. Made new from a specification or again from its file."""

    def __init__(self, cloud: "Cloud", spec: ClusterSpec, uid: int | None) -> None:
        self._cloud, self.spec, self.uid = cloud, spec, uid
        self.id = spec.id
        self.nodes: dict[str, Node] = {}
        self.access = Access()
        self.admission = Admission.of(self.access)
        self.access_version = 0
        self.logins = LoginBook(self.folder / "logins.jsonl")
        self.ordered_at = datetime.now(UTC)
        self._told: collections.deque[str] = collections.deque(maxlen=MESSAGES_REMEMBERED)
        self.deleting = False
        self.closing = False
        self.removed: asyncio.Task[None] | None = None
        self._rack: asyncio.Task[Launcher] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._peer_key: asyncssh.SSHKey | None = None

    # -- what nodes ask ---------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """Where state is kept."""
        return self._cloud.store

    @property
    def sandbox(self) -> Sandbox:
        """The protection in force."""
        return self._cloud.sandbox

    @property
    def faults(self) -> Faults:
        """The faults that are on."""
        return self._cloud.faults

    @property
    def http(self) -> httpx.AsyncClient:
        """For calls to the broker."""
        return self._cloud.http

    @property
    def instant(self) -> bool:
        """Do nodes boot without any waiting?"""
        return self._cloud.settings.instant

    @property
    def seed(self) -> int:
        """For the dice of this cloud."""
        return self._cloud.settings.seed

    @property
    def folder(self) -> Path:
        """The cluster's closed folder."""
        return self.store.clusters / self.id

    @property
    def home_outside(self) -> Path:
        """The home on this machine."""
        return self.store.homes / self.id / self.spec.username

    @property
    def home_inside(self) -> str:
        """The home as programs on the nodes see it: /enc/<user>, where there is a sandbox to show it there."""
        return self.spec.home if self.sandbox.networked else str(self.home_outside)

    @property
    def shell(self) -> str:
        """The login shell of the cluster's user."""
        return "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"

    @property
    def sftp_server(self) -> str | None:
        """An sftp server among this machine's programs."""
        return next((path for path in SFTP_SERVERS if os.path.exists(path)), None)

    @property
    def peer_key(self) -> bytes | None:
        """The key by which the nodes log in to each other: only ever accepted from inside the cluster's network."""
        return self._peer_key.public_data if self._peer_key is not None and self.sandbox.networked else None

    def hosts(self) -> list[Host]:
        """Every node as the others know it."""
        return [
            Host(
                node.spec.name,
                node.hostname,
                node.record.place.private_address,
                node.spec.ssh_port,
                node.host_key_line,
            )
            for node in self.nodes.values()
        ]

    def context_folder(self, hostname: str) -> str:
        """Where a node's programs find what it was told."""
        if self.sandbox.networked:
            return CONTEXT_INSIDE
        return str(self.store.etc / self.id / f"context.{hostname}")

    def put_context(self, hostname: str, files: dict[str, str], *, executable: bool = False) -> None:
        """Put files where a node's programs find what it was told."""
        self.store.put_context(self.id, hostname, files, self.uid, executable=executable)

    def host_key(self, node: str) -> asyncssh.SSHKey:
        """A node's host key, made at its first boot."""
        return asyncssh.import_private_key(self.store.host_key(self.id, node, _new_key))

    def cores_by_hostname(self) -> dict[str, int]:
        """For the machinefile."""
        return {node.hostname: node.spec.cores for node in self.nodes.values()}

    def command(self, node: Node) -> list[str]:
        """The command line that becomes a node."""
        etc, run = self.store.etc / self.id, self.store.run
        return self.sandbox.command(
            self.home_outside,
            self.spec.home,
            etc,
            run,
            node.hostname,
            self.limits(node),
        )

    def limits(self, node: Node) -> NodeLimits:
        """What the node's programs may take."""
        return NodeLimits.of(node.spec.cores, node.spec.memory_mb, self._cloud.settings.file_mb)

    async def rack(self) -> Launcher:
        """The cluster's rack; the first node to ask starts it, all wait for the same one."""
        if self._rack is None:
            self._rack = asyncio.create_task(self._start_rack())
        try:
            return await asyncio.shield(self._rack)
        except RackFailed as error:
            raise Gone(f"the cluster's sandbox could not be made: {error}") from None

    async def _start_rack(self) -> Launcher:
        plan = self.sandbox.plan(
            self.uid, self.home_outside, self.store.etc / self.id, self.store.run, self._cloud.settings.links
        )
        return await self._cloud.racks.start(plan)

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something to its end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- making -----------------------------------------------------------------------------------

    def add(self, spec: NodeSpec, record: Record, bound: Any = None) -> None:
        """Put a node into the cluster."""
        self.nodes[spec.name] = Node(self, spec, record, bound)

    def prepare(self) -> None:
        """Make the home and /etc; every node must have been added."""
        self._peer_key = asyncssh.import_private_key(self.store.host_key(self.id, "cluster", _new_key))
        self.store.make_home(self.id, self.spec.username, self.uid, self.uid)
        hosts = self.hosts()
        private = self._peer_key.export_private_key().decode()
        files = shared_files(self.spec.username, self.spec.home, hosts, self.shell, private)
        files |= {f"hostname.{host.hostname}": host.hostname + "\n" for host in hosts}
        self.store.make_etc(self.id, files, CLUSTER_KEY, self.uid)
        for host in hosts:
            self.store.make_context(self.id, host.hostname, self.uid)

    def start(self) -> None:
        """Boot every node that has not ended, all at once."""
        for node in self.nodes.values():
            node.start()

    # -- access -----------------------------------------------------------------------------------

    def set_access(self, access: Access) -> None:
        """Let in whom this document names from now on."""
        self.access, self.admission = access, Admission.of(access)

    async def change_access(self, access: Access) -> None:
        """The same for a running cluster: live connections that no longer qualify end, each with the reason.

        `Access.after` says what holds now. Raises OSError when that cannot be kept; it is in force all the same.
        """
        if access.version < self.access.version:
            return
        self.access_version += 1
        self.set_access(access.after(self.access))
        await asyncio.gather(*(node.requalify() for node in self.nodes.values()))
        self.save()

    def channels(self) -> int:
        """How many SSH channels are open on all nodes."""
        return sum(len(each._channels) for node in self.nodes.values() for each in node.connections)

    async def broadcast(self, message: str, key: str) -> dict[str, Any]:
        """Write a message to every terminal of every node, once for each key (an empty key is never remembered)."""
        if not key or key not in self._told:
            self._told.append(key)
            await asyncio.gather(*(_wall(node, message) for node in self.nodes.values()))
        return self.document()

    # -- the end ----------------------------------------------------------------------------------

    def delete(self) -> None:
        """Stop everything and remove every trace; also finishes a deletion that a kill interrupted."""
        if self.removed is None or self.removed.done():
            self.deleting = True
            self.keep()
            self.removed = asyncio.create_task(self._remove())

    async def _remove(self) -> None:
        stops = [stopping for node in self.nodes.values() if (stopping := node.stop()) is not None]
        if stops:
            await asyncio.wait(stops)
        await self.close()
        if self.uid is not None:
            await asyncio.to_thread(end_user, self.uid)
        await asyncio.to_thread(self.store.remove, self.id)
        self._cloud.forget(self)

    async def close(self) -> None:
        """End every process of the cluster; its state stays."""
        self.closing = True
        for node in self.nodes.values():
            node.power_off()
        if self._rack is not None:
            try:
                (await self._rack).close()
            except (RackFailed, OSError):
                pass
        for task in list(self._tasks):
            task.cancel()

    # -- the file ---------------------------------------------------------------------------------

    def keep(self) -> None:
        """As `save`, for what must go on although the disk is full: that is one line in the log."""
        try:
            self.save()
        except OSError as error:
            log.error("cluster %s: its state cannot be written: %s", self.id, error)

    def save(self) -> None:
        """Keep the cluster as it is now. While it is being removed, nothing may bring its file back."""
        if self.closing:
            return
        nodes = {
            name: {
                "place": vars(node.record.place),
                "state": node.record.state,
                "reason": node.record.reason,
                "log": node.record.log,
                "context": node.record.context,
                "reported": node.record.reported,
                "boots": node.record.boots,
                "done": node.record.done,
            }
            for name, node in self.nodes.items()
        }
        self.store.save(
            self.id,
            {
                "spec": self.spec.as_json(),
                "ordered_at": self.ordered_at.isoformat(),
                "uid": self.uid,
                "deleting": self.deleting,
                "access": self.access.as_json(),
                "nodes": nodes,
            },
        )

    def load_nodes(self, document: dict[str, Any]) -> None:
        """Put back the nodes and the access document of the file."""
        if document.get("ordered_at"):
            self.ordered_at = datetime.fromisoformat(document["ordered_at"])
        for spec in self.spec.nodes:
            kept = document["nodes"][spec.name]
            place = Place(**kept["place"])
            record = Record(
                place,
                kept["state"],
                kept["reason"],
                kept["log"],
                kept["context"],
                kept["reported"],
                kept.get("boots", 0) + 1,
                kept.get("done", []),
            )
            if record.state == "stopping":
                record.state = "stopped"
            elif record.state == "running":
                record.state = "booting"  # until its agent is up again
            self.add(spec, record)

    def document(self) -> dict[str, Any]:
        """What the API tells about the cluster."""
        return {
            "id": self.id,
            "mark": self.spec.mark,
            "ordered_at": self.ordered_at.isoformat(),
            "nodes": [node.document() for node in self.nodes.values()],
        }

    @property
    def ended(self) -> bool:
        """Has every node ended?"""
        return all(node.record.state in ENDED for node in self.nodes.values())


async def _wall(node: Node, message: str) -> None:
    """Write a message to every terminal of a node, if it is up."""
    with contextlib.suppress(Failed, Gone):
        await node.machine().ask("broadcast", {"text": broadcast(node.hostname, message)}, WALL_SECONDS)


def _new_key() -> bytes:
    return asyncssh.generate_private_key("ssh-ed25519").export_private_key()

"""One simulated cluster: create, boot and remove its nodes, and save its state to disk."""

import asyncio
import collections
import logging
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jobs.node_contract.access_document import AccessDocument, read_access_document
from jobs.node_contract.context_files import Host
from jobs.simulator.boot.node_record import ENDED, NodeRecord, read_after_restart
from jobs.simulator.cloud.cluster_environment import ClusterEnvironment
from jobs.simulator.cloud.node import Node
from jobs.simulator.cloud.services import CloudServices
from jobs.simulator.sandbox.unix_users import kill_processes_of_user
from jobs.simulator.spec import ClusterSpec, NodeSpec, read_cluster

log = logging.getLogger("simulator")
BROADCASTS_REMEMBERED = 64


class Cluster:
    """Nodes that share a user, a home and a network. Made from an order, or again from its file."""

    def __init__(
        self,
        services: CloudServices,
        spec: ClusterSpec,
        uid: int | None,
        on_removed: Callable[["Cluster"], None],
    ) -> None:
        self.environment = ClusterEnvironment(services, spec, uid)
        self.spec, self.id, self.uid = spec, spec.id, uid
        self.nodes: dict[str, Node] = {}
        self.ordered_at = datetime.now(UTC)
        self.is_deleting = False
        self.is_closing = False
        self._store = services.store
        self._on_removed = on_removed
        self._removing: asyncio.Task[None] | None = None
        self._broadcasts: collections.deque[str] = collections.deque(maxlen=BROADCASTS_REMEMBERED)

    # -- making -----------------------------------------------------------------------------------

    def add(self, spec: NodeSpec, record: NodeRecord, bound: socket.socket | None = None) -> None:
        """Add a node."""
        self.nodes[spec.name] = Node(self, spec, record, bound)

    def prepare(self) -> None:
        """Make the home and /etc, once every node was added. Raises OSError."""
        self.environment.make_files(self.hosts())

    def start(self) -> None:
        """Boot every node that has not ended, all at once."""
        for node in self.nodes.values():
            node.start()

    # -- what nodes ask ---------------------------------------------------------------------------

    def hosts(self) -> list[Host]:
        """Return every node as the others reach it."""
        return [node.host for node in self.nodes.values()]

    def cores_by_hostname(self) -> dict[str, int]:
        """Return every node's cores."""
        return {node.hostname: node.spec.cores for node in self.nodes.values()}

    def channel_count(self) -> int:
        """Return how many SSH channels are open on all nodes."""
        return sum(node.server.channel_count for node in self.nodes.values())

    # -- while it runs ----------------------------------------------------------------------------

    async def change_access(self, document: AccessDocument) -> AccessDocument:
        """Apply an access document, also to live connections, and return the one in force.

        Raises OSError if it cannot be saved; it is in force all the same.
        """
        access = self.environment.access
        if access.push(document):
            await asyncio.gather(*(node.server.recheck_access() for node in self.nodes.values()))
            self.save()
        return access.document

    async def broadcast(self, message: str, key: str) -> dict[str, Any]:
        """Write a message to every terminal of every node, once for each key. An empty key is never remembered."""
        if not key or key not in self._broadcasts:
            self._broadcasts.append(key)
            await asyncio.gather(*(node.broadcast(message) for node in self.nodes.values()))
        return self.document()

    @property
    def has_ended(self) -> bool:
        """Whether every node has ended."""
        return all(node.state in ENDED for node in self.nodes.values())

    # -- the end ----------------------------------------------------------------------------------

    def delete(self, message: str = "") -> None:
        """Begin to stop everything and remove every trace. Also finishes a deletion that a kill interrupted."""
        if self._removing is None or self._removing.done():
            self.is_deleting = True
            self.keep()
            self._removing = asyncio.create_task(self._remove(message))

    async def _remove(self, message: str) -> None:
        stops = [stopping for node in self.nodes.values() if (stopping := node.stop(message)) is not None]
        if stops:
            await asyncio.wait(stops)
        await self.close()
        if self.uid is not None:
            await asyncio.to_thread(kill_processes_of_user, self.uid)
        try:
            await asyncio.to_thread(self._store.save_usage, self.id, self.usage()["nodes"])
        except OSError as error:  # a full disk must not keep what costs
            log.error("cluster %s: how long its nodes existed cannot be written: %s", self.id, error)
        await asyncio.to_thread(self._store.remove, self.id)
        self._on_removed(self)

    async def close(self) -> None:
        """End every process of the cluster; its state stays."""
        self.is_closing = True
        for node in self.nodes.values():
            node.power_off()
        await self.environment.close()
        # After it: closing cancels what runs in the background, and nothing enters a group any more.
        groups = [node.control_group for node in self.nodes.values() if node.control_group is not None]
        await asyncio.gather(*(group.end() for group in groups))

    # -- the file ---------------------------------------------------------------------------------

    def keep(self) -> None:
        """Save, or log that the disk does not allow it: for what must go on all the same."""
        try:
            self.save()
        except OSError as error:
            log.error("cluster %s: its state cannot be written: %s", self.id, error)

    def save(self) -> None:
        """Save the cluster as it is now. Does nothing while it is closing: its file may have been removed."""
        if self.is_closing:
            return
        document = {
            "spec": self.spec.as_json(),
            "ordered_at": self.ordered_at.isoformat(),
            "uid": self.uid,
            "deleting": self.is_deleting,
            "access": self.environment.access.document.as_json(),
            "nodes": {name: node.record.as_json() for name, node in self.nodes.items()},
        }
        self._store.save(self.id, document)

    @classmethod
    def load(
        cls, services: CloudServices, cluster_id: str, on_removed: Callable[["Cluster"], None]
    ) -> "Cluster":
        """Return a cluster from its file. Raises KeyError, TypeError, ValueError, OSError if it cannot be read."""
        document = services.store.load(cluster_id)
        cluster = cls(services, read_cluster(cluster_id, document["spec"]), document["uid"], on_removed)
        cluster.is_deleting = bool(document["deleting"])
        cluster.environment.access.apply(read_access_document(document["access"]))
        if document.get("ordered_at"):
            cluster.ordered_at = datetime.fromisoformat(document["ordered_at"])
        for spec in cluster.spec.nodes:
            cluster.add(spec, read_after_restart(document["nodes"][spec.name]))
        if not cluster.is_deleting:
            nodes = cluster.nodes.items()
            cluster.environment.ran_before = {name for name, node in nodes if node.record.ran_before}
        return cluster

    def usage(self) -> dict[str, Any]:
        """Return how long each node existed, those of an earlier cluster with this id included."""
        nodes = [node.usage() for node in self.nodes.values()]
        known = {(node["name"], node["since"]) for node in nodes}
        earlier = [n for n in self._store.load_usage(self.id) if (n["name"], n["since"]) not in known]
        return {"id": self.id, "nodes": [*earlier, *nodes]}

    def document(self) -> dict[str, Any]:
        """Return the API's document of the cluster. The portal's id is its field `mark`."""
        return {
            "id": self.id,
            "mark": self.spec.portal_id,
            "ordered_at": self.ordered_at.isoformat(),
            "nodes": [node.document() for node in self.nodes.values()],
        }

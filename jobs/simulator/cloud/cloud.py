"""The cloud: which clusters there are. Every verb may be repeated without harm."""

import asyncio
import logging
import os
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from jobs.node_contract.access_document import read_access_document
from jobs.node_contract.documents import InvalidDocument
from jobs.simulator.boot.node_record import ENDED, FailureReason, NodeRecord, NodeState
from jobs.simulator.cloud.address_pool import AddressPool
from jobs.simulator.cloud.capacity import Capacity
from jobs.simulator.cloud.cluster import Cluster
from jobs.simulator.cloud.fault_control import FaultControl
from jobs.simulator.cloud.host_disk_watch import BYTES, FILES, DiskWatch, files_floor, free_bytes, free_files
from jobs.simulator.cloud.host_memory_watch import MemoryWatch
from jobs.simulator.cloud.node import Node
from jobs.simulator.cloud.sandbox_choice import choose_sandbox
from jobs.simulator.cloud.services import CloudServices
from jobs.simulator.faults.fault_kinds import FaultName
from jobs.simulator.faults.fault_rules import Faults
from jobs.simulator.sandbox.control_groups import ControlGroups
from jobs.simulator.sandbox.deleted_files import deleted_bytes, descendants_of
from jobs.simulator.sandbox.home_size import home_size
from jobs.simulator.sandbox.launcher_pool import LauncherPool
from jobs.simulator.sandbox.protection import NodeFeatures, Sandbox, unprotected
from jobs.simulator.sandbox.unix_users import NoUserLeft, UserNumbers
from jobs.simulator.settings import Settings
from jobs.simulator.spec import CLUSTER_ID, NodeSpec, RequestRefused, read_certificates, read_cluster
from jobs.simulator.store import Store

log = logging.getLogger("simulator")
MAX_BROKER_CONNECTIONS = 50


class Cloud:
    """All clusters of this simulator."""

    services: CloudServices

    def __init__(self, settings: Settings, store: Store, lifeline: int | None = None) -> None:
        """`lifeline`: a pipe; when its other end closes, every node ends, also if this process cannot end them."""
        self._settings, self._store = settings, store
        self.faults = Faults()
        self.fault_control = FaultControl(self.faults, self._nodes_up, self._unavailable_faults)
        self.capacity = Capacity(settings.var / "capacity.json", settings.seed, settings.capacity)
        # Nodes and portal talk directly; a proxy for the world outside must not come between them.
        limits = httpx.Limits(max_connections=MAX_BROKER_CONNECTIONS)
        self._http = httpx.AsyncClient(trust_env=False, limits=limits)
        self._addresses = AddressPool(settings.address)
        self._launchers = LauncherPool(store.clusters, lifeline)
        self._users = UserNumbers(store.clusters / "next-user")
        name = f"{zlib.crc32(str(settings.var).encode()):08x}"
        self._groups = ControlGroups.find(name) if settings.control_groups else None
        self._features = NodeFeatures()
        self._clusters: dict[str, Cluster] = {}
        self._watches: list[asyncio.Task[None]] = []

    # -- start and stop ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Find the best protection, then take up or boot again every cluster in the state. Raises WrongSetting."""
        self.services, self._features = await choose_sandbox(
            self._settings, self._store, self._addresses, self._services_with
        )
        if not self._features.control_group:
            self.services = replace(self.services, groups=None)
        for cluster_id in self._store.cluster_ids():
            try:
                self._restore(cluster_id)
            except (KeyError, TypeError, ValueError, OSError) as error:
                log.error("cluster %s cannot be read from the state and is left alone: %r", cluster_id, error)
        left = (cluster.environment.left_launcher() for cluster in self._clusters.values())
        self._launchers.kill_leftovers(keep={launcher for launcher in left if launcher is not None})
        for cluster in self._clusters.values():
            if cluster.is_deleting:
                cluster.delete()
            else:
                cluster.start()
        self._start_watches()

    def _services_with(self, sandbox: Sandbox) -> CloudServices:
        return CloudServices(
            self._settings, self._store, sandbox, self._launchers, self.faults, self._http, self._groups
        )

    def _restore(self, cluster_id: str) -> None:
        cluster = Cluster.load(self.services, cluster_id, self._forget)
        for node in cluster.nodes.values():
            self._addresses.reserve(node.record.address)
        self._clusters[cluster_id] = cluster
        if cluster.is_deleting:
            return
        try:
            cluster.prepare()
        except OSError as error:  # it must still be known, to be deleted: that may be what makes room
            for node in cluster.nodes.values():
                node.fail(FailureReason.STATE_UNWRITABLE, f"its files cannot be written: {error.strerror}")

    def _start_watches(self) -> None:
        folders = (self._store.clusters, self._store.homes)
        space = DiskWatch(
            BYTES,
            self._settings.disk_floor_mb << 20,
            lambda: free_bytes(*folders),
            self._running_homes,
            self._bytes_taken,
            self._end_for_disk,
        )
        files = DiskWatch(
            FILES,
            files_floor(*folders) if self._settings.disk_floor_mb else 0,
            lambda: free_files(*folders),
            self._running_homes,
            lambda _, home: home_size(home).files,
            self._end_for_disk,
        )
        memory = MemoryWatch(self._nodes_up)
        self._watches = [asyncio.create_task(watch.run()) for watch in (space, files, memory)]

    def _running_homes(self) -> dict[str, Path]:
        return {
            cluster.id: cluster.environment.shown_folders.home
            for cluster in self._clusters.values()
            if not cluster.has_ended
        }

    def _bytes_taken(self, cluster_id: str, home: Path) -> int:
        """Return what a cluster's home and the deleted files that its programs still have take of the home's disk."""
        cluster = self._clusters.get(cluster_id)
        pids = descendants_of(cluster.environment.processes) if cluster is not None else ()
        return home_size(home).bytes + deleted_bytes(pids, os.stat(home).st_dev)

    def _end_for_disk(self, cluster_id: str, message: str) -> None:
        cluster = self._clusters.get(cluster_id)
        for node in cluster.nodes.values() if cluster is not None else ():
            node.fail(FailureReason.DISK_FULL, message)

    async def stop(self) -> None:
        """End every process of every cluster quickly; the state stays for the next start."""
        for watch in self._watches:
            watch.cancel()
        self.fault_control.close()
        await asyncio.gather(*(cluster.close() for cluster in self._clusters.values()))
        self._launchers.close()
        if self._groups is not None:
            await self._groups.remove_as_they_empty()
        await self._http.aclose()

    # -- what there is ----------------------------------------------------------------------------

    def health(self) -> dict[str, Any]:
        """Return, for /healthz, the protection in force, what it does not protect, and how many nodes there are."""
        nodes, protection = self._nodes(), self.services.sandbox.protection
        return {
            "sandbox": protection.value,
            "network": "links" if self._features.network_per_node else "shared",
            "memory": "control_groups" if self._features.control_group else "watched",
            "unprotected": unprotected(self.services.sandbox, self._features),
            "nodes": len(nodes),
            "running": sum(node.state is NodeState.RUNNING for node in nodes),
        }

    def _nodes(self) -> list[Node]:
        return [node for cluster in self._clusters.values() for node in cluster.nodes.values()]

    def _nodes_up(self) -> list[Node]:
        return [node for node in self._nodes() if node.is_up]

    def _running_specs(self) -> list[NodeSpec]:
        """Return the nodes that take capacity."""
        return [node.spec for node in self._nodes() if node.state not in ENDED]

    def _unavailable_faults(self) -> dict[FaultName, str]:
        """Return the faults that cannot be had on this machine, each with the reason."""
        found = {}
        if not self.services.sandbox.has_own_network:
            found[FaultName.DISK_FULL] = "Without bubblewrap the nodes use this machine's own disk."
        if not self._features.network_per_node:
            found[FaultName.NETWORK_CUT] = "On this machine the nodes of a cluster share one network."
        return found

    def get(self, cluster_id: str) -> Cluster:
        """Return a cluster. Raises Refused (`no_such_cluster`, 404)."""
        cluster = self._clusters.get(cluster_id)
        if cluster is None:
            raise RequestRefused("no_such_cluster", f"There is no cluster {cluster_id}.", 404)
        return cluster

    def _node(self, cluster_id: str, name: str) -> Node:
        node = self.get(cluster_id).nodes.get(name)
        if node is None:
            raise RequestRefused("no_such_node", f"Cluster {cluster_id} has no node {name}.", 404)
        return node

    def usage(self, cluster_id: str) -> dict[str, Any]:
        """Return how long the nodes of a cluster existed, also of one that is gone.

        Raises Refused (`no_such_cluster`, 404), OSError.
        """
        if (cluster := self._clusters.get(cluster_id)) is not None:
            return cluster.usage()
        nodes = self._store.load_usage(cluster_id) if CLUSTER_ID.fullmatch(cluster_id) else []
        if not nodes:
            raise RequestRefused("no_such_cluster", f"There is no record of cluster {cluster_id}.", 404)
        return {"id": cluster_id, "nodes": nodes}

    def documents(self) -> dict[str, Any]:
        """Return every cluster."""
        return {"clusters": [cluster.document() for cluster in self._clusters.values()]}

    # -- verbs ------------------------------------------------------------------------------------

    def create(self, cluster_id: str, document: Any) -> tuple[dict[str, Any], bool]:
        """Make a cluster, or find that it is there as ordered; return which. Its nodes boot after this returns.

        Raises InvalidDocument, Refused, OSError.
        """
        spec = read_cluster(cluster_id, document)
        known = self._clusters.get(cluster_id)
        if known is not None:
            if known.is_deleting:
                raise RequestRefused(
                    "deleting", f"Cluster {cluster_id} is being deleted; wait until it is gone."
                )
            if known.spec != spec:
                raise RequestRefused(
                    "spec_differs", f"Cluster {cluster_id} exists with another specification."
                )
            return known.document(), False
        self.faults.bind_next(cluster_id)
        if self.faults.get(FaultName.NO_CAPACITY, cluster_id) is not None:
            raise RequestRefused("no_capacity", "There is no capacity for another cluster; try again later.")
        self.capacity.check(spec.nodes, self._running_specs())
        cluster = Cluster(self.services, spec, self._acquire_uid(), self._forget)
        self._add_nodes(cluster)
        self._clusters[cluster_id] = cluster
        cluster.start()
        return cluster.document(), True

    def _acquire_uid(self) -> int | None:
        taken = {cluster.uid for cluster in self._clusters.values() if cluster.uid is not None}
        try:
            return self.services.sandbox.acquire_uid(self._users, taken)
        except NoUserLeft:
            raise RequestRefused(
                "no_capacity", "This state directory has used up its users; start with a new one."
            ) from None

    def _add_nodes(self, cluster: Cluster) -> None:
        """Give the nodes addresses and make the cluster's files; take everything back if that fails."""
        acquired = []
        try:
            for node in cluster.spec.nodes:
                address, bound = self._addresses.acquire(node.ssh_port)
                acquired.append((address, bound))
                cluster.add(node, NodeRecord(address), bound)
            cluster.prepare()
            cluster.save()
        except (RequestRefused, OSError):
            self._store.remove(cluster.id)
            for address, bound in acquired:
                bound.close()
                self._addresses.release(address)
            raise

    async def change_access(self, cluster_id: str, document: Any) -> dict[str, Any]:
        """Change who may log in, also for live connections. Return the document in force."""
        access = await self.get(cluster_id).change_access(read_access_document(document))
        return access.as_json()

    def logins(self, cluster_id: str, after: str) -> dict[str, Any]:
        """Return who logged in since the login with that number."""
        if not after.isascii() or not after.isdigit() or len(after) > 18:
            raise InvalidDocument("invalid_after", "'after' must be the sequence of a login, 0 for all.")
        return {"logins": self.get(cluster_id).environment.logins.after(int(after))}

    async def show_certificates(self, cluster_id: str, document: Any) -> dict[str, Any]:
        """Show host certificates to new connections; live ones stay as they are."""
        cluster, certificates = self.get(cluster_id), read_certificates(document)
        nodes = {name: self._node(cluster_id, name) for name in certificates}
        for name, lines in certificates.items():
            await nodes[name].show_certificates(list(lines))
        cluster.save()
        return {"host_certificates": {name: list(lines) for name, lines in certificates.items()}}

    def stop_node(self, cluster_id: str, name: str, message: str) -> dict[str, Any]:
        """Begin to shut a node down."""
        node = self._node(cluster_id, name)
        node.stop(message)
        return node.document()

    def delete(self, cluster_id: str, message: str) -> dict[str, Any]:
        """Begin to stop and remove a cluster. `message` tells people on its nodes why."""
        cluster = self.get(cluster_id)
        cluster.delete(message)
        return cluster.document()

    def _forget(self, cluster: Cluster) -> None:
        """Remove a cluster that is no longer on the disk."""
        self._clusters.pop(cluster.id, None)
        self.faults.forget(cluster.id)
        for node in cluster.nodes.values():
            self._addresses.release(node.record.address)

    def capacity_document(self, core_types: list[str]) -> dict[str, Any]:
        """Return the cores of each core type that is named, set, or in use."""
        return self.capacity.as_json(self._running_specs(), core_types)

    def change_capacity(self, document: Any) -> dict[str, Any]:
        """Set how many cores some core types have. Running nodes go on running."""
        self.capacity.change(document)
        return self.capacity_document(list(document))

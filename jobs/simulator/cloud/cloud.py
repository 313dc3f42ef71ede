"""The cloud: which clusters there are. Every verb may be repeated without harm."""

import asyncio
import json
import logging
import zlib
from pathlib import Path
from typing import Any

import httpx

from jobs.simulator.cloud.addresses import Addresses
from jobs.simulator.cloud.capacity import Capacity
from jobs.simulator.cloud.cluster import Cluster
from jobs.simulator.cloud.disk_watch import DiskWatch, free_bytes
from jobs.simulator.cloud.memory_watch import MemoryWatch
from jobs.simulator.cloud.node import Node
from jobs.simulator.cloud.node_record import ENDED, Record
from jobs.simulator.faults.fault_rules import Faults, kinds_as_json
from jobs.simulator.sandbox.fd_channel import Gone
from jobs.simulator.sandbox.launcher_pool import LauncherPool, RackFailed
from jobs.simulator.sandbox.protection import UNPROTECTED, Sandbox, candidates, install_agent
from jobs.simulator.sandbox.unix_users import PROBE, UsedUp, UserNumbers
from jobs.simulator.settings import Settings, WrongSetting
from jobs.simulator.spec import ClusterSpec, NodeSpec, Refused, read_access, read_certificates, read_cluster
from jobs.simulator.store import Store

log = logging.getLogger("simulator")
PROBE_SECONDS = 15


class Cloud:
    """All clusters of this simulator."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.faults = Faults()
        self.capacity = Capacity(settings.var / "capacity.json", settings.seed, settings.capacity)
        self.links = False
        # Node and portal talk directly; a proxy meant for the world outside must not come between them.
        self.http = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=50))
        self.addresses = Addresses(settings.address)
        self.racks = LauncherPool(store.clusters)
        self.sandbox: Sandbox
        self.users = UserNumbers(store.clusters / "next-user")
        self._clusters: dict[str, Cluster] = {}
        self._watches: list[asyncio.Task[None]] = []
        self._fault_end: asyncio.TimerHandle | None = None

    # -- beginning and end ------------------------------------------------------------------------

    async def start(self) -> None:
        """Find out what protection can be had, then bring back every cluster in the state."""
        self.racks.sweep()
        self.sandbox = await self._choose_sandbox()
        for cluster_id in self.store.cluster_ids():
            try:
                self._restore(cluster_id)
            except (KeyError, TypeError, ValueError, OSError, json.JSONDecodeError) as error:
                log.error("cluster %s cannot be read from the state and is left alone: %r", cluster_id, error)
        for cluster in self._clusters.values():
            if cluster.deleting:
                cluster.delete()
            else:
                cluster.start()
        watch = DiskWatch(
            self.settings.disk_floor_mb << 20,
            lambda: free_bytes(self.store.clusters, self.store.homes),
            lambda: {each.id: each.home_outside for each in self._clusters.values() if not each.ended},
            self._end_for_disk,
        )
        memory = MemoryWatch(lambda: [each for each in self._nodes() if each.is_up])
        self._watches = [asyncio.create_task(each.run()) for each in (watch, memory)]

    def _end_for_disk(self, cluster_id: str, words: str) -> None:
        cluster = self._clusters.get(cluster_id)
        for node in cluster.nodes.values() if cluster is not None else ():
            node.fail("disk_full", words)

    def _restore(self, cluster_id: str) -> None:
        document = self.store.load(cluster_id)
        cluster = Cluster(self, read_cluster(cluster_id, document["spec"]), document["uid"])
        cluster.deleting = bool(document["deleting"])
        cluster.set_access(read_access(document["access"]))
        cluster.load_nodes(document)
        for node in cluster.nodes.values():
            self.addresses.keep(node.record.place)
        self._clusters[cluster_id] = cluster
        if cluster.deleting:
            return
        try:
            cluster.prepare()
        except OSError as error:  # it must still be known, to be deleted: that may be what makes room
            for node in cluster.nodes.values():
                node.fail("state_unwritable", f"its files cannot be written: {error.strerror}")

    async def stop(self) -> None:
        """End every process of every cluster quickly; the state stays for the next start."""
        for watch in self._watches:
            watch.cancel()
        if self._fault_end is not None:
            self._fault_end.cancel()
        await asyncio.gather(*(cluster.close() for cluster in self._clusters.values()))
        self.racks.close()
        await self.http.aclose()

    async def _choose_sandbox(self) -> Sandbox:
        """The best protection that really starts a node here."""
        tried = []
        number = zlib.crc32(str(self.settings.var).encode())
        for sandbox in candidates(self.settings.sandbox, number):
            if sandbox.uid_base is not None and not sandbox.staged:
                self.store.move_out(Path(f"/var/tmp/headnode-{number:08x}"))  # noqa: S108 - checked to be ours
            problem = await self._probe(sandbox)
            if not problem:
                return sandbox
            tried.append(f"{sandbox.mode} with {sandbox.python.path}: {problem}")
        raise WrongSetting(
            "No protection for nodes can be had on this machine. Tried " + "; ".join(tried) + "."
        )

    async def _probe(self, sandbox: Sandbox) -> str:
        """Start one node and end it; what went wrong, or an empty text."""
        if not install_agent(sandbox.python, self.store.run):
            return "this Python cannot run the agent"
        probe = read_cluster("probe", _PROBE)
        uid = None if sandbox.uid_base is None else sandbox.uid_base + PROBE
        home = self.store.make_home(probe.id, probe.username, uid, uid)
        cluster = Cluster(self, probe, uid)
        self.sandbox = sandbox
        place, bound = self.addresses.take(32100)
        cluster.add(probe.nodes[0], Record(place), bound)
        output = cluster.folder / "head.log"
        try:
            cluster.prepare()
            etc, run, links = self.store.etc / probe.id, self.store.run, self.settings.links
            rack = await self.racks.start(sandbox.plan(uid, home, etc, run, links))
            self.links = rack.links
            try:
                line, address = cluster.command(cluster.nodes["head"]), place.private_address
                machine = rack.boot("head", line, address, output, lambda notice: None, lambda: None)
                await asyncio.wait_for(machine.ready, PROBE_SECONDS)
                program = await machine.spawn(
                    "/bin/sh", ["sh", "-c", "exit 7"], {}, cluster.home_inside, None
                )
                code, _ = await asyncio.wait_for(program.ended, PROBE_SECONDS)
                return "" if code == 7 else f"a command ended with {code}"
            finally:
                rack.close()
        except (RackFailed, Gone, TimeoutError, OSError) as error:
            said = output.read_text(errors="replace").strip()[-300:] if output.exists() else ""
            return f"{error or 'no answer'} {said}".strip()
        finally:
            bound.close()
            self.addresses.free(place)
            self.store.remove(probe.id)

    def health(self) -> dict[str, Any]:
        """For /healthz: the protection in force, in one word and in sentences, and how many nodes there are."""
        nodes = self._nodes()
        return {
            "sandbox": self.sandbox.mode,
            "network": "links" if self.links else "shared",
            "unprotected": UNPROTECTED[self.sandbox.mode],
            "nodes": len(nodes),
            "running": sum(node.record.state == "running" for node in nodes),
        }

    def _nodes(self) -> list[Node]:
        return [node for cluster in self._clusters.values() for node in cluster.nodes.values()]

    def _running_specs(self) -> list[NodeSpec]:
        """The nodes that take capacity."""
        return [node.spec for node in self._nodes() if node.record.state not in ENDED]

    # -- verbs ------------------------------------------------------------------------------------

    def create(self, cluster_id: str, document: Any) -> tuple[dict[str, Any], bool]:
        """Make a cluster, or find that it is there as asked for; tells which. Nodes boot after the answer."""
        spec = read_cluster(cluster_id, document)
        known = self._clusters.get(cluster_id)
        if known is not None:
            if known.deleting:
                raise Refused(
                    "deleting", f"Cluster {cluster_id} is being deleted; wait until it is gone.", 409
                )
            if known.spec != spec:
                raise Refused("spec_differs", f"Cluster {cluster_id} exists with another specification.", 409)
            return known.document(), False
        self.faults.bind(cluster_id)
        if self.faults.get("no_capacity", cluster_id) is not None:
            raise Refused("no_capacity", "There is no capacity for another cluster; try again later.", 409)
        self.capacity.check(spec.nodes, self._running_specs())
        try:
            uid = self.sandbox.uid_for(
                self.users, {c.uid for c in self._clusters.values() if c.uid is not None}
            )
        except UsedUp:
            raise Refused(
                "no_capacity", "This state directory has used up its users; start with a new one.", 409
            ) from None
        cluster = Cluster(self, spec, uid)
        self._fill(cluster, spec)
        self._clusters[cluster_id] = cluster
        cluster.start()
        return cluster.document(), True

    def _fill(self, cluster: Cluster, spec: ClusterSpec) -> None:
        taken = []
        try:
            for node in spec.nodes:
                place, bound = self.addresses.take(node.ssh_port)
                taken.append((place, bound))
                cluster.add(node, Record(place), bound)
            cluster.prepare()
            cluster.save()
        except (Refused, OSError):
            self.store.remove(cluster.id)
            for place, bound in taken:
                bound.close()
                self.addresses.free(place)
            raise

    def get(self, cluster_id: str) -> Cluster:
        """A cluster, or a refusal with 404."""
        cluster = self._clusters.get(cluster_id)
        if cluster is None:
            raise Refused("no_such_cluster", f"There is no cluster {cluster_id}.", 404)
        return cluster

    def documents(self) -> dict[str, Any]:
        """Every cluster."""
        return {"clusters": [cluster.document() for cluster in self._clusters.values()]}

    async def change_access(self, cluster_id: str, document: Any) -> dict[str, Any]:
        """Change who may log in, also for connections that are open."""
        cluster, access = self.get(cluster_id), read_access(document)
        await cluster.change_access(access)
        return cluster.access.as_json()

    def logins(self, cluster_id: str, after: str) -> dict[str, Any]:
        """Who logged in since the login with that number."""
        if not after.isascii() or not after.isdigit() or len(after) > 18:
            raise Refused("invalid_after", "'after' must be the sequence of a login, 0 for all.")
        return {"logins": self.get(cluster_id).logins.after(int(after))}

    async def certify(self, cluster_id: str, document: Any) -> dict[str, Any]:
        """Give nodes the host certificates they show to new connections; live ones stay as they are."""
        cluster, certificates = self.get(cluster_id), read_certificates(document)
        for name in certificates:
            if name not in cluster.nodes:
                raise Refused("no_such_node", f"Cluster {cluster_id} has no node {name}.", 404)
        for name, lines in certificates.items():
            await cluster.nodes[name].certify(list(lines))
        cluster.save()
        return {"host_certificates": {name: list(lines) for name, lines in certificates.items()}}

    def stop_node(self, cluster_id: str, name: str, message: str) -> dict[str, Any]:
        """Begin to shut a node down."""
        node: Node | None = self.get(cluster_id).nodes.get(name)
        if node is None:
            raise Refused("no_such_node", f"Cluster {cluster_id} has no node {name}.", 404)
        node.stop(message)
        return node.document()

    def delete(self, cluster_id: str) -> dict[str, Any]:
        """Begin to stop and remove a cluster."""
        cluster = self.get(cluster_id)
        cluster.delete()
        return cluster.document()

    def forget(self, cluster: Cluster) -> None:
        """The cluster is removed from the disk."""
        self._clusters.pop(cluster.id, None)
        self.faults.forget(cluster.id)
        for node in cluster.nodes.values():
            self.addresses.free(node.record.place)

    def fault_document(self) -> dict[str, Any]:
        """The faults that are on, and those there are."""
        missing = self._impossible_faults()
        kinds = [{**kind, "missing": missing.get(kind["name"], "")} for kind in kinds_as_json()]
        return {"faults": self.faults.as_json(), "kinds": kinds}

    def _impossible_faults(self) -> dict[str, str]:
        """Faults that cannot be had on this machine, each with the reason."""
        found = {}
        if not self.sandbox.networked:
            found["disk_full"] = "Without bubblewrap the nodes use this machine's own disk."
        if not self.links:
            found["network_cut"] = "On this machine the nodes of a cluster share one network."
        return found

    async def change_faults(self, document: Any) -> dict[str, Any]:
        """Switch faults on and off; those that are about running nodes act before the answer."""
        missing = self._impossible_faults()
        for name, words in document.items() if isinstance(document, dict) else ():
            if name in missing and words is not None:
                raise Refused("fault_not_here", missing[name], 409)
        self.faults.change(document)
        await self._meet_faults()
        return self.fault_document()

    async def _meet_faults(self) -> None:
        await asyncio.gather(*(node.meet_faults() for node in self._nodes() if node.is_up))
        if self._fault_end is not None:
            self._fault_end.cancel()
        if (ends_at := self.faults.next_end()) is not None:
            loop = asyncio.get_running_loop()
            self._fault_end = loop.call_at(ends_at + 0.01, self._end_faults)

    def _end_faults(self) -> None:
        self.faults.expire()
        self._meeting = asyncio.create_task(self._meet_faults())

    def capacity_document(self, core_types: list[str]) -> dict[str, Any]:
        """Cores of each core type: those named, set, or in use."""
        return self.capacity.as_json(self._running_specs(), core_types)

    def change_capacity(self, document: Any) -> dict[str, Any]:
        """Set how many cores there are of some core types. What runs goes on running."""
        self.capacity.change(document)
        return self.capacity_document(list(document))


_PROBE: dict[str, Any] = {
    "username": "uprod_probe",
    "home": "/enc/uprod_probe",
    "broker_url": "http://localhost/",
    "nodes": [
        {
            "name": "head", "role": "head", "core_type": "probe", "cores": 1, "memory_mb": 64, "ssh_port": 32100,
            "boot_seconds": 0, "token": "none",
        }
    ],
}  # fmt: skip

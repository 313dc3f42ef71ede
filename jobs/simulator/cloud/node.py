"""One machine of the cloud: boots, phones home, serves SSH, is shut down or dies.

Steps of a boot, each a line in the node's boot log: host key, sandbox and agent, home, serve SSH on its address (and
inside the cluster; nobody may log in yet), then become a member (`phases`): register with the broker, do the phases,
report. The node's root side is here, outside the sandbox: the host key and the one-time token never enter it.
"""

import asyncio
import socket
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.simulator.boot.broker_client import BrokerRefused, BrokerSilent
from jobs.simulator.boot.phases import Contextualization
from jobs.simulator.cloud.addresses import bind
from jobs.simulator.cloud.node_record import ENDED, BootFailed, Record, broadcast
from jobs.simulator.faults import fault_effects
from jobs.simulator.faults.fault_effects import Trouble
from jobs.simulator.faults.fault_rules import Rule
from jobs.simulator.sandbox.agent_client import AgentClient, Failed
from jobs.simulator.sandbox.etc_files import machinefile
from jobs.simulator.sandbox.fd_channel import Gone
from jobs.simulator.spec import NodeSpec
from jobs.simulator.ssh_server.access_document import Admission
from jobs.simulator.ssh_server.host_identity import Identity
from jobs.simulator.ssh_server.server import Doorman, NodeConnection, read_home_keys

if TYPE_CHECKING:
    from jobs.simulator.cloud.cluster import Cluster

GRACE_SECONDS = 1.0
DRAIN_SECONDS = 1.0
REBIND_SECONDS = 10.0
HALT_SECONDS = 10.0
POWER_OFF = "The system is going down for poweroff NOW!"


class Node:
    """A machine; `cluster` is where it stands and whose user it serves."""

    nobody = Admission(frozenset(), frozenset(), (), ())

    def __init__(
        self, cluster: "Cluster", spec: NodeSpec, record: Record, bound: socket.socket | None
    ) -> None:
        self.cluster, self.spec, self.record = cluster, spec, record
        self.identity = Identity(cluster.host_key(spec.name))
        self.connections: set[NodeConnection] = set()
        self.unproven = 0
        self._bound = bound
        self._machine: AgentClient | None = None
        self._context: Contextualization | None = None
        self._servers: list[asyncio.AbstractServer] = []
        self._life: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self.trouble = Trouble()

    # -- what the rooms of the SSH server ask -----------------------------------------------------

    @property
    def hostname(self) -> str:
        """The name the node calls itself."""
        return self.record.place.hostname

    @property
    def host_key_line(self) -> str:
        """The public host key as one line."""
        return self.identity.line

    @property
    def username(self) -> str:
        """The only user who may log in."""
        return self.cluster.spec.username

    @property
    def home(self) -> str:
        """The home as the node's programs see it."""
        return self.cluster.home_inside

    @property
    def shell(self) -> str:
        """The login shell."""
        return self.cluster.shell

    @property
    def sftp_server(self) -> str | None:
        """The sftp server programs of this machine offer, if any."""
        return self.cluster.sftp_server

    @property
    def environment(self) -> dict[str, str]:
        """Variables from the context, and where its files are."""
        told = (self.record.context or {}).get("environment", {})
        return {**told, "HEADNODE_CONTEXT": self.context_folder}

    @property
    def context_folder(self) -> str:
        """Where programs of the node find what it was told."""
        return self.cluster.context_folder(self.hostname)

    @property
    def admission(self) -> Admission:
        """Who may log in right now."""
        return self.cluster.admission

    @property
    def cluster_key(self) -> bytes | None:
        """The key by which the cluster's nodes log in to each other."""
        return self.cluster.peer_key

    def machine(self) -> AgentClient:
        """The agent's client; raises Gone when the node is not up."""
        if self._machine is None or not self.is_up:
            raise Gone("the node is not running")
        return self._machine

    @property
    def is_up(self) -> bool:
        """Does its agent run?"""
        return self._machine is not None and self._machine.alive

    def full(self, most_unproven: int, most_connections: int) -> bool:
        """Are there too many connections, or too many that have not logged in?"""
        return self.unproven >= most_unproven or len(self.connections) >= most_connections

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something to its end, kept from the garbage collector."""
        self.cluster.background(work)

    def document(self) -> dict[str, Any]:
        """What the API tells about the node."""
        record, place = self.record, self.record.place
        return {
            "name": self.spec.name,
            "role": self.spec.role,
            "core_type": self.spec.core_type,
            "state": record.state,
            "reason": record.reason,
            "address": place.address,
            "port": place.port,
            "private_address": place.private_address,
            "hostname": place.hostname,
            "log": "".join(line + "\n" for line in record.log),
        }

    # -- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to boot (again, after the simulator was restarted)."""
        if self.record.state not in ENDED:
            self._life = asyncio.create_task(self._live())

    def say(self, text: str, phase: str = "", mark: str = "") -> None:
        """A line in the boot log, and in what the broker is told of the boot."""
        now = datetime.now(UTC)
        where = f"{phase}: " if phase else ""
        self.record.log.append(f"[{now:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z] {where}{text}")
        del self.record.log[:-500]
        if self._context is not None:
            self._context.stream.add(now, text, phase, mark)

    def fault(self, name: str) -> Rule | None:
        """The rule by which a fault is on for this node."""
        return self.cluster.faults.get(name, self.cluster.id, self.spec.name)

    def turn(self, state: str, reason: str = "") -> None:
        """Move to a state and keep it."""
        if self.record.state != state or reason:
            self.record.state, self.record.reason = state, reason
            self.cluster.keep()

    async def _live(self) -> None:
        try:
            await self._boot()
        except (BootFailed, Failed, Gone, BrokerRefused, BrokerSilent, OSError) as error:
            usual = "broker_silent" if isinstance(error, BrokerSilent) else "boot_failed"
            reason = getattr(error, "reason", "") or usual
            self.say(f"FAILED ({reason}): {error}")
            self._let_go()
            if self.record.state not in ("stopping", *ENDED):
                self.turn("failed", reason)

    async def _boot(self) -> None:
        resumed = self.record.context is not None
        if not self.record.reported:
            self._context = Contextualization(self)
        self.say(f"{self.hostname} ({self.spec.core_type}, {self.spec.cores} cores) is starting")
        waiting = asyncio.create_task(fault_effects.firmware(self, resumed))
        try:
            self._machine = await self._start_machine()
            await waiting
        finally:
            waiting.cancel()
        await self._furnish()
        await self.meet_faults()
        await self._serve()
        self.say(f"sshd: listening on {self.record.place.address} port {self.record.place.port}")
        if self._context is not None:
            if not resumed:
                await fault_effects.way_to_the_broker(self)
            await self._context.run()
            self._context = None
        self.turn("running")
        await self.meet_faults()

    async def _start_machine(self) -> AgentClient:
        rack = await self.cluster.rack()
        line, address = self.cluster.command(self), self.record.place.private_address
        machine = rack.boot(self.spec.name, line, address, self._log_path(), self.say, self._died)
        try:
            await asyncio.wait_for(machine.ready, 30)
        except (Gone, TimeoutError):
            machine.unplug()
            self.say(
                "sandbox: " + (self._log_path().read_text(errors="replace")[-2000:].strip() or "no answer")
            )
            raise BootFailed("sandbox_failed", "The node's sandbox did not start.") from None
        self.say("system: up")
        return machine

    def _log_path(self) -> Path:
        return self.cluster.folder / f"{self.spec.name}.log"

    async def _furnish(self) -> None:
        home, cores = self.home, self.cluster.cores_by_hostname()
        folders = [home, f"{home}/work", f"{home}/work/shared"]
        await self.machine().ask(
            "furnish", {"folders": folders, "files": {f"{home}/machinefile": machinefile(cores)}}
        )

    async def _serve(self) -> None:
        await self.identity.show(certificates=(self.record.context or {}).get("host_certificates", []))
        loop = asyncio.get_running_loop()
        bound = self._bound or await self._bind_again()
        self._bound = None
        self._servers.append(await loop.create_server(lambda: Doorman(self, False), sock=bound, backlog=256))
        if self.cluster.sandbox.networked:
            inside = await self.machine().listen(self.record.place.private_address, self.spec.ssh_port)
            self._servers.append(
                await loop.create_server(lambda: Doorman(self, True), sock=inside, backlog=64)
            )

    async def _bind_again(self) -> socket.socket:
        """The address of before the restart; connections that have just ended may hold it for a moment."""
        place, deadline = self.record.place, time.monotonic() + REBIND_SECONDS
        while True:
            try:
                return bind(place.address, place.port, reuse=True)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise BootFailed(
                        "address_lost", f"{place.address} port {place.port} is taken: {error.strerror}."
                    ) from None
                await asyncio.sleep(0.1)

    async def certify(self, certificates: list[str]) -> None:
        """Show these host certificates to new connections, also after a restart."""
        if self.record.context is not None:
            self.record.context["host_certificates"] = certificates
        await self.identity.show(certificates=certificates)

    # -- access -----------------------------------------------------------------------------------

    async def requalify(self) -> None:
        """End live connections that the access document no longer allows, each with the reason."""
        if not self.connections:
            return
        home = await read_home_keys(self)
        for connection in list(self.connections):
            if connection.inside:
                continue
            if connection.ring is None or connection.ring.login is None:
                door = self.admission.door(connection.source)
                if door is not connection.door:
                    connection.farewell("The access rules of this cluster have changed")
                continue
            if reason := self.admission.still(connection.ring.login, connection.source, home):
                connection.farewell(reason)

    # -- faults -----------------------------------------------------------------------------------

    async def meet_faults(self) -> None:
        """Be as the faults that are on now want this node to be, and no longer as those that are off."""
        await self.trouble.meet(self)

    def twice(self) -> bool:
        """Is everything this node reports delivered twice?"""
        return self.fault("duplicate_answers") is not None

    def lose_power(self) -> None:
        """The fault `node_dies`."""
        if self._machine is not None and self.record.state == "running":
            self._machine.unplug()

    # -- the end ----------------------------------------------------------------------------------

    def _died(self) -> None:
        """The agent is gone: as if the plug was pulled, unless we are the ones who shut it down."""
        if self.record.state in ("stopping", *ENDED) or self.cluster.closing:
            return
        if self.record.state == "running":
            self.say("power lost")
            self._let_go()
            self.turn("failed", "node_died")

    def fail(self, reason: str, words: str) -> None:
        """End the node at once, and say why."""
        if self.record.state in ("stopping", *ENDED):
            return
        if self._life is not None:
            self._life.cancel()
        self.say(f"FAILED ({reason}): {words}")
        self.turn("failed", reason)
        for connection in list(self.connections):
            connection.farewell(f"This node was ended: {words}")
        self._let_go()

    def stop(self, message: str = "") -> "asyncio.Task[None] | None":
        """Shut the node down in order; the same shutdown again is no error. None when it is down already."""
        if self.record.state in ENDED:
            return None
        if self._stopping is None:
            self.turn("stopping")
            self._stopping = asyncio.create_task(self._shut_down(message))
        return self._stopping

    async def _shut_down(self, message: str) -> None:
        """Close the door; tell every terminal; end every program; disconnect; power off."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])
        self._close_door()
        self.say("shutdown: " + (message or POWER_OFF))
        machine = self._machine
        if machine is not None and machine.alive:
            try:
                text = broadcast(self.hostname, POWER_OFF, message)
                await machine.ask("broadcast", {"text": text}, HALT_SECONDS)
                await machine.ask("halt", {"grace_seconds": GRACE_SECONDS}, HALT_SECONDS)
            except (Failed, Gone):
                pass  # then it is off already, which is what was wanted
        sessions = [session.done for connection in self.connections for session in connection.sessions]
        if sessions:
            await asyncio.wait(sessions, timeout=DRAIN_SECONDS)
        for connection in list(self.connections):
            connection.farewell(POWER_OFF)
        self._let_go()
        self.say("shutdown: power off")
        self.turn("stopped")

    def power_off(self) -> None:
        """End at once what runs, without a change of state: the simulator itself is leaving."""
        for task in (self._life, self._stopping):
            if task is not None:
                task.cancel()
        for connection in list(self.connections):
            connection.farewell("The simulator is being stopped")
        self._let_go()

    def _close_door(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()
        if self._bound is not None:
            self._bound.close()
            self._bound = None

    def _let_go(self) -> None:
        self._close_door()
        for connection in list(self.connections):
            connection.abort()
        if self._machine is not None:
            self._machine.unplug()
            self._machine = None

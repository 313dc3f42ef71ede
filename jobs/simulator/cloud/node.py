"""One node of the cloud: boots, phones home, serves SSH, is shut down or dies.

Steps of a boot, each a line in the node's boot log: host key, sandbox and agent, home, SSH server on its address (and
inside the cluster; nobody may log in yet), then contextualization. What only the node's root would do happens here,
outside the sandbox: the host key and the one-time token never enter it.
"""

import asyncio
import contextlib
import socket
import time
from pathlib import Path

from jobs.simulator.boot.broker_client import BrokerClient, BrokerRefused, BrokerSilent
from jobs.simulator.boot.contextualization import Contextualization
from jobs.simulator.boot.node_record import ENDED, ENDING, BootFailed, FailureReason, NodeRecord, NodeState
from jobs.simulator.cloud.address_pool import bind
from jobs.simulator.cloud.api_door import LOOPBACK, APIDoor, door_port
from jobs.simulator.cloud.node_view import NodeCluster, NodeView
from jobs.simulator.cloud.wall import wall_text
from jobs.simulator.faults import boot_delays
from jobs.simulator.faults.fault_effects import FaultEffects
from jobs.simulator.sandbox.agent_client import AgentClient, AgentError
from jobs.simulator.sandbox.etc_files import machinefile
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.spec import NodeSpec

AGENT_SECONDS = 30
TAKE_UP_SECONDS = 20
GRACE_SECONDS = 1.0
DRAIN_SECONDS = 1.0
REBIND_SECONDS = 10.0
HALT_SECONDS = 10.0
BROADCAST_SECONDS = 10.0
POWER_OFF = "The system is going down for poweroff NOW!"


class Node(NodeView):
    """A node's life, from boot to power off."""

    def __init__(
        self, cluster: NodeCluster, spec: NodeSpec, record: NodeRecord, bound: socket.socket | None
    ) -> None:
        super().__init__(cluster, spec, record)
        self._bound = bound
        self._fault_effects = FaultEffects(self)
        self._life: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._door: APIDoor | None = None

    # -- boot -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to boot, for the first time or after the simulator was restarted."""
        if self.state not in ENDED:
            self._life = asyncio.create_task(self._live())

    async def _live(self) -> None:
        try:
            await self._boot()
        except (BootFailed, AgentError, ChannelClosed, BrokerRefused, BrokerSilent, OSError) as error:
            reason = _failure_reason(error)
            self.say(f"FAILED ({reason}): {error}")
            self._release()
            if self.state not in ENDING:
                self._change_state(NodeState.FAILED, reason)

    async def _boot(self) -> None:
        is_resumed = self.record.context is not None
        if await self._take_up():
            return
        if not self.record.reported:
            self._contextualization = Contextualization(self, self._broker_client())
        self.say(f"{self.hostname} ({self.spec.core_type}, {self.spec.cores} cores) is starting")
        waiting = asyncio.create_task(self._wait_for_firmware(is_resumed))
        try:
            self._agent = await self._start_agent()
            await waiting
        finally:
            waiting.cancel()
        await self._prepare_home()
        await self.apply_faults()
        await self._serve()
        self.say(f"sshd: listening on {self.record.address.address} port {self.record.address.port}")
        if self._contextualization is not None:
            if not is_resumed:
                await boot_delays.wait_for_broker_route(self)
            await self._contextualization.run()
            self._contextualization = None
        self._change_state(NodeState.RUNNING)
        await self.apply_faults()

    async def _take_up(self) -> bool:
        """Continue with the node as an earlier simulator left it. Return False if it does not run any more."""
        if not self.record.ran_before:
            return False
        launcher, name = await self.launcher(), self.spec.name
        if name not in launcher.nodes:
            return False
        try:
            agent = launcher.take_up_node(name, self._environment.folder, self.say, self._agent_ended)
        except OSError:
            launcher.kill_node(name)
            return False
        try:
            await asyncio.wait_for(agent.ready, TAKE_UP_SECONDS)
            self._agent = agent
            group = self._environment.control_group(self.spec)
            if group is not None and group.has_members():
                self.control_group = group
                group.killed()  # those of before are not told again
            self._fault_effects.take_up(name in launcher.links_down, name in launcher.disks_full)
            await self.apply_faults()
            await self._serve()
        except (AgentError, ChannelClosed, TimeoutError):
            self._agent = None
            agent.cut_power()
            return False
        self.say("the simulator was started again; the node has been running all the time")
        self._change_state(NodeState.RUNNING)
        await self.apply_faults()
        return True

    def _broker_client(self) -> BrokerClient:
        environment = self._environment
        return BrokerClient(
            environment.services.http, environment.spec.broker_url, self.spec.token, self.delivers_twice
        )

    async def _wait_for_firmware(self, is_resumed: bool) -> None:
        """Wait as long as a node takes to come up: not at all in the instant mode, or if it was up before."""
        if is_resumed:
            return
        settings = self._environment.services.settings
        seconds = 0.0 if settings.instant else boot_delays.firmware_seconds(self, settings.seed)
        await boot_delays.wait_for_firmware(self, seconds)

    async def _start_agent(self) -> AgentClient:
        launcher = await self.launcher()
        command, log = self._environment.node_command(self.hostname, self.spec), self._sandbox_log
        address, folder = self.record.address.private_address, self._environment.folder
        self.control_group = self._environment.control_group(self.spec)
        group = self.control_group.members if self.control_group is not None else []
        agent = launcher.start_node(
            self.spec.name, command, address, folder, group, self.say, self._agent_ended
        )
        try:
            await asyncio.wait_for(agent.ready, AGENT_SECONDS)
        except (ChannelClosed, TimeoutError):
            agent.cut_power()
            self.say("sandbox: " + (log.read_text(errors="replace")[-2000:].strip() or "no answer"))
            raise BootFailed(FailureReason.SANDBOX_FAILED, "The node's sandbox did not start.") from None
        self.say("system: up")
        return agent

    @property
    def _sandbox_log(self) -> Path:
        return self._environment.folder / f"{self.spec.name}.log"

    async def _prepare_home(self) -> None:
        home, cores = self.home, self._cluster.cores_by_hostname()
        folders = [home, f"{home}/work", f"{home}/work/shared"]
        files = {f"{home}/machinefile": machinefile(cores)}
        await self.agent().request("make_missing", {"folders": folders, "files": files})

    async def _serve(self) -> None:
        await self.identity.show_certificates((self.record.context or {}).get("host_certificates", []))
        bound = self._bound or await self._bind_again()
        self._bound = None
        await self.server.listen(bound, from_inside=False)
        if self._environment.services.sandbox.has_own_network:
            inside = await self.agent().listen(self.record.address.private_address, self.spec.ssh_port)
            await self.server.listen(inside, from_inside=True)
            await self._open_door()

    async def _open_door(self) -> None:
        """Let the node's programs call the portal's API, where the order wants it on the node's own loopback."""
        spec = self._environment.spec
        if (port := door_port(spec.api_url)) is None:
            return
        try:
            listener = await self.agent().listen(LOOPBACK, port)
        except AgentError as error:
            # In a network that the cluster's nodes share, one door is enough.
            self.say(f"api: port {port} of {LOOPBACK} cannot be had here: {error}")
            return
        self._door = APIDoor(spec.id, spec.broker_url, self.record.address.address)
        await self._door.open(listener)

    async def _bind_again(self) -> socket.socket:
        """Bind the address of before the restart; connections that have just ended may hold it for a moment."""
        address, deadline = self.record.address, time.monotonic() + REBIND_SECONDS
        while True:
            try:
                return bind(address.address, address.port, reuse=True)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise BootFailed(
                        FailureReason.ADDRESS_LOST,
                        f"{address.address} port {address.port} is taken: {error.strerror}.",
                    ) from None
                await asyncio.sleep(0.1)

    def _change_state(self, state: NodeState, reason: str = "") -> None:
        if self.state is not state or reason:
            self.record.change_state(state, reason)
            self.keep()

    # -- while it runs ----------------------------------------------------------------------------

    async def apply_faults(self) -> None:
        """Apply the active faults; undo the ones switched off."""
        await self._fault_effects.apply()

    async def broadcast(self, message: str) -> None:
        """Write a message to every terminal, if the node is up."""
        with contextlib.suppress(AgentError, ChannelClosed):
            await self.agent().broadcast(wall_text(self.hostname, message), BROADCAST_SECONDS)

    def lose_power(self) -> None:
        """End everything on the node at once, if it is running (the fault `node_dies`)."""
        if self._agent is not None and self.state is NodeState.RUNNING:
            self._agent.cut_power()

    async def report_kernel_kills(self) -> None:
        """Tell the log and the terminals of programs that the kernel has killed: the node's memory is used up."""
        if text := self._note_kernel_kills():
            with contextlib.suppress(AgentError, ChannelClosed):
                await self.agent().broadcast(f"\r\n{text}\r\n", BROADCAST_SECONDS)

    def _note_kernel_kills(self) -> str:
        killed = self.control_group.killed() if self.control_group is not None else 0
        if not killed:
            return ""
        text = f"kernel: Memory cgroup out of memory ({self.spec.memory_mb} MB): killed {killed} processes"
        self.say(text)
        return text

    def _agent_ended(self) -> None:
        """Fail as if the power was cut, unless the node is being shut down."""
        if self.state is NodeState.RUNNING and not self.is_closing:
            self.say("power lost")
            self._note_kernel_kills()
            self._release()
            self._change_state(NodeState.FAILED, FailureReason.NODE_DIED)

    # -- the end ----------------------------------------------------------------------------------

    def fail(self, reason: FailureReason, message: str) -> None:
        """End the node at once, and say why."""
        if self.state in ENDING:
            return
        if self._life is not None:
            self._life.cancel()
        self.say(f"FAILED ({reason}): {message}")
        self._change_state(NodeState.FAILED, reason)
        self.server.disconnect_all(f"This node was ended: {message}")
        self._release()

    def stop(self, message: str = "") -> asyncio.Task[None] | None:
        """Shut the node down in order, once however often it is called. None if it is down already."""
        if self.state in ENDED:
            return None
        if self._stopping is None:
            self._change_state(NodeState.STOPPING)
            self._stopping = asyncio.create_task(self._shut_down(message))
        return self._stopping

    async def _shut_down(self, message: str) -> None:
        """Accept no more logins; tell every terminal; end every program; disconnect; power off."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])
        self._stop_listening()
        self.say("shutdown: " + (message or POWER_OFF))
        if self._agent is not None and self._agent.alive:
            await self._halt(self._agent, message)
        await self.server.wait_for_sessions(DRAIN_SECONDS)
        self.server.disconnect_all(POWER_OFF)
        self._release()
        self.say("shutdown: power off")
        self._change_state(NodeState.STOPPED)

    async def _halt(self, agent: AgentClient, message: str) -> None:
        try:
            await agent.broadcast(wall_text(self.hostname, POWER_OFF, message), BROADCAST_SECONDS)
            await agent.request("halt", {"grace_seconds": GRACE_SECONDS}, HALT_SECONDS)
        except (AgentError, ChannelClosed):
            pass  # then it is off already

    def power_off(self) -> None:
        """End what runs at once, without a change of state: the simulator is being stopped."""
        for task in (self._life, self._stopping):
            if task is not None:
                task.cancel()
        self.server.disconnect_all("The simulator is being stopped")
        self._release()

    def _stop_listening(self) -> None:
        self.server.stop_listening()
        if self._bound is not None:
            self._bound.close()
            self._bound = None

    def _release(self) -> None:
        """Close the address, every connection and the agent."""
        self._stop_listening()
        self.server.close()
        if self._door is not None:
            self.background(self._door.close())
            self._door = None
        if self._agent is not None:
            self._agent.cut_power()
            self._agent = None
        if self.control_group is not None:
            self.background(self.control_group.end())


def _failure_reason(error: Exception) -> str:
    """Return the reason for the state: the broker's own, if it refused."""
    if isinstance(error, BootFailed | BrokerRefused):
        return str(error.reason)
    return FailureReason.BROKER_SILENT if isinstance(error, BrokerSilent) else FailureReason.BOOT_FAILED

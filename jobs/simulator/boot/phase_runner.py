"""Do one phase on a node: the node's own part, then the member's script for it.

The node's own part happens outside the sandbox, where the files that its programs see are made. A script is a file, run
inside by the job's user, with no shell in between. A phase whose script is done is not done again when the node is
booted again; one that was interrupted is.
"""

import asyncio
import time
from collections.abc import Mapping

from jobs.node_contract import context_files
from jobs.node_contract.boot_lines import PhaseMark
from jobs.node_contract.context_files import Host
from jobs.node_contract.node_context import NodePlan, PhaseSpec
from jobs.node_contract.peers import Peers, contradictions
from jobs.node_contract.phases import Phase
from jobs.simulator.boot.boot_line_sender import BootStream
from jobs.simulator.boot.booting_node import BootingNode
from jobs.simulator.boot.broker_client import BrokerClient, BrokerRefused
from jobs.simulator.boot.script_output import OutputHandler
from jobs.simulator.boot.scripts import ScriptResult, run_script
from jobs.simulator.sandbox.installed_programs import login_shell

# This long before its time is over, a node asks whether the providers that are there will do.
MARGIN_SECONDS, MARGIN_PART = 2.0, 0.2
MIN_SCRIPT_SECONDS = 0.1
LONGEST_LAST_LINE = 300


class PhaseFailed(Exception):
    """A phase was not completed; the text is a sentence for people."""


class PhaseRunner:
    """Does the phases of one node."""

    def __init__(self, node: BootingNode, broker: BrokerClient, stream: BootStream) -> None:
        self._node, self._broker, self._stream = node, broker, stream

    async def run(self, phase: PhaseSpec, plan: NodePlan) -> None:
        """Do one phase, unless it was done before. Raises PhaseFailed, AgentError, ChannelClosed."""
        node, deadline = self._node, time.monotonic() + phase.timeout_seconds
        if phase.name in node.record.phases_done:
            node.say("was done before the node was booted again", phase.name, PhaseMark.OK)
            return
        node.say("started", phase.name, PhaseMark.START)
        try:
            await self._do_own_part(phase, plan, deadline)
            if phase.script:
                self._stream.send_soon()
                await self._run_script(phase, deadline)
            self._apply_fault(phase)
        except PhaseFailed as failure:
            node.say(str(failure), phase.name, PhaseMark.ERROR)
            raise
        node.say("done", phase.name, PhaseMark.OK)
        if phase.script:
            # What takes time is kept at once; the rest is quickly done again.
            node.record.phases_done.append(phase.name.value)
            node.keep()

    async def _do_own_part(self, phase: PhaseSpec, plan: NodePlan, deadline: float) -> None:
        node, hosts = self._node, {host.name: host for host in self._node.hosts()}
        match phase.name:
            case Phase.HOSTS:
                self._write(context_files.host_files(plan.members, list(hosts.values())))
            case Phase.PEERS:
                self._write_peers(await self._wait_for_peers(phase, plan.peers, deadline), hosts)
            case Phase.THIS_HOST:
                self._write(
                    context_files.own_files(node.spec.name, node.spec.role, plan.provides, plan.requires)
                )
            case Phase.DATA:
                self._write(context_files.data_files(plan.data or {}))

    async def _wait_for_peers(self, phase: PhaseSpec, peers: Peers, deadline: float) -> Peers:
        """Return the providers that this node requires, once the broker has them all."""
        announced = ""
        while peers.roles is None:
            who = "; ".join(f"{role} of {', '.join(names)}" for role, names in peers.absent.items())
            if peers.is_lost:
                raise PhaseFailed(f"Nobody is left for what this node requires: {who}.")
            left = deadline - time.monotonic()
            if left <= 0:
                raise PhaseFailed(f"Not done within {phase.timeout_seconds} s: still waiting for {who}.")
            if announced != who:
                announced = who
                self._node.say(f"waiting for {who}", phase.name, PhaseMark.WAIT)
                self._stream.send_soon()
            await asyncio.sleep(min(peers.ask_again_seconds, left))
            margin = max(MARGIN_SECONDS, phase.timeout_seconds * MARGIN_PART)
            try:
                peers = await self._broker.peers(some_will_do=deadline - time.monotonic() <= margin)
            except BrokerRefused as refusal:
                raise PhaseFailed(refusal.message) from None
        return peers

    def _write_peers(self, peers: Peers, hosts: Mapping[str, Host]) -> None:
        if wrong := contradictions(peers.all_peers(), hosts):
            raise PhaseFailed(" ".join(wrong))
        names = {role: [peer.name for peer in found] for role, found in (peers.roles or {}).items()}
        self._write(context_files.role_files(names, hosts))

    # -- scripts ----------------------------------------------------------------------------------

    async def _run_script(self, phase: PhaseSpec, deadline: float) -> None:
        node, path = self._node, context_files.script_path(phase.name)
        self._write({path: phase.script}, executable=True)
        inside = f"{node.context_folder}/{path}"
        argv = [inside] if phase.script.startswith("#!") else ["/bin/sh", inside]
        seconds = max(MIN_SCRIPT_SECONDS, deadline - time.monotonic())
        env = self._script_environment(phase)
        _check_result(
            phase, await run_script(node.agent(), argv, env, node.home, seconds, self._output_handler(phase))
        )

    def _script_environment(self, phase: PhaseSpec) -> dict[str, str]:
        node = self._node
        return {
            "HOME": node.home,
            "USER": node.username,
            "LOGNAME": node.username,
            "SHELL": login_shell(),
            "LANG": "C.UTF-8",
            **node.environment,
            "HEADNODE_MEMBER": node.spec.name,
            "HEADNODE_PHASE": phase.name.value,
        }

    def _output_handler(self, phase: PhaseSpec) -> OutputHandler:
        def on_output(text: str) -> None:
            self._node.say(text, phase.name)
            self._stream.send_soon()

        return on_output

    def _apply_fault(self, phase: PhaseSpec) -> None:
        """Fail as a failing script would, for members that have none (the fault `context_fails`)."""
        if phase.name is Phase.DATA and self._node.must_fail_context():
            self._node.say("context: script failed with exit status 1", phase.name)
            raise PhaseFailed("The context script failed with exit status 1.")

    def _write(self, files: Mapping[str, str], *, executable: bool = False) -> None:
        try:
            self._node.write_context(files, executable=executable)
        except OSError as error:
            raise PhaseFailed(f"The node's context cannot be written: {error.strerror}.") from None


def _check_result(phase: PhaseSpec, result: ScriptResult) -> None:
    """Raise PhaseFailed unless the script ended with status 0."""
    if result.status == 0:
        return
    last = f": {result.last_line[:LONGEST_LAST_LINE]}" if result.last_line else "."
    if result.status is None:
        raise PhaseFailed(f"The script was not done within {phase.timeout_seconds} s and was ended{last}")
    signalled = result.status < 0
    how = f"was killed by signal {-result.status}" if signalled else f"ended with exit status {result.status}"
    raise PhaseFailed(f"The script {how}{last}")

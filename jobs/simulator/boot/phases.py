"""How a node becomes a member of its cluster: it registers, does its phases in order, and reports.

Each phase is some work of the node's own (outside the sandbox, where the files its programs see are made) and then the
member's script for it, if the plan has one: a file, run inside by the job's user, with no shell in between. A phase
that was done is not done again when the node is booted again; one that was interrupted is.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jobs.simulator.boot import node_context, scripts
from jobs.simulator.boot.boot_stream import BootStream
from jobs.simulator.boot.broker_client import Broker, BrokerRefused
from jobs.simulator.boot.node_context import NodePlan, Peers, PhaseSpec
from jobs.simulator.cloud.node_record import BootFailed
from jobs.simulator.sandbox.etc_files import Host

if TYPE_CHECKING:
    from jobs.simulator.cloud.node import Node

SPENT = (403, 409)
# So long before its time is over a node asks whether those who are there will do.
MARGIN_SECONDS, MARGIN_PART = 2.0, 0.2
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


class PhaseFailed(Exception):
    """A phase did not come to its end; the text is a sentence for people."""


class Contextualization:
    """One node's way into its cluster, from the first call to the broker to the last."""

    def __init__(self, node: "Node") -> None:
        self.node = node
        self._broker = Broker(node.cluster.http, node.cluster.spec.broker_url, node.spec.token, node.twice)
        self.stream = BootStream(self._broker, node.record.boots)

    async def run(self) -> None:
        """Register, do every phase, report. Raises BootFailed, BrokerRefused, BrokerSilent, Gone, Failed."""
        try:
            plan = await self._register()
            if plan is not None:
                await self._do(plan)
        finally:
            self.stream.close()

    async def _do(self, plan: NodePlan) -> None:
        try:
            for phase in plan.phases:
                await self._phase(phase, plan)
            self.node.cluster.put_context(self.node.hostname, {"ready": "ok\n"})
        except PhaseFailed as failure:
            await self._report("error")
            if not plan.stays:
                raise BootFailed("context_failed", str(failure)) from None
            self.node.say("stays up, for its owner to look into it")
        else:
            self.node.say("context: OK")
            await self._report("ok")

    async def _register(self) -> NodePlan | None:
        """What to do; None when everything was done and reported before the node was booted again."""
        node, place, cluster = self.node, self.node.record.place, self.node.cluster
        identity = {
            "host_keys": [node.host_key_line],
            "address": place.address,
            "port": place.port,
            "private_address": place.private_address,
            "hostname": place.hostname,
        }
        before = cluster.access_version
        try:
            told = await self._broker.register(identity, node.username)
        except BrokerRefused as refusal:
            # We were killed between the broker's receipt of the report and our note of it.
            if node.record.boots == 0 or node.record.context is None or refusal.status not in SPENT:
                raise
            node.record.reported = True
            return None
        node.record.context = told.as_json()
        await node.certify(list(told.host_certificates))
        if cluster.access_version == before:
            # A change pushed while our question was on its way is newer than the answer.
            cluster.set_access(told.access.after(cluster.access))
        cluster.save()
        node.say("context: received")
        return told.plan

    async def _report(self, outcome: str) -> None:
        node = self.node
        lines = await self.stream.rest()
        try:
            await self._broker.report(outcome, node.document()["log"], lines)
        except BrokerRefused as refusal:
            if node.record.boots == 0 or refusal.status not in SPENT:
                raise
        node.record.reported = True

    # -- phases -----------------------------------------------------------------------------------

    async def _phase(self, phase: PhaseSpec, plan: NodePlan) -> None:
        node, deadline = self.node, time.monotonic() + phase.timeout_seconds
        if phase.name in node.record.done:
            node.say("was done before the node was booted again", phase.name, "ok")
            return
        node.say("started", phase.name, "start")
        try:
            await self._own_part(phase, plan, deadline)
            if phase.script:
                self.stream.soon()
                await self._script(phase, deadline)
            self._fault(phase)
        except PhaseFailed as failure:
            node.say(str(failure), phase.name, "error")
            raise
        node.say("done", phase.name, "ok")
        if phase.script:
            # What takes time is kept at once; the rest is quickly done again.
            node.record.done.append(phase.name)
            node.cluster.keep()

    async def _own_part(self, phase: PhaseSpec, plan: NodePlan, deadline: float) -> None:
        node, hosts = self.node, self._hosts()
        match phase.name:
            case "hosts":
                self._put(node_context.host_files(plan, list(hosts.values())))
            case "peers":
                roles = (await self._peers(phase, plan.peers, deadline)).roles or {}
                if wrong := node_context.contradictions(
                    [peer for found in roles.values() for peer in found], hosts
                ):
                    raise PhaseFailed(" ".join(wrong))
                self._put(node_context.role_files(roles, hosts))
            case "this_host":
                self._put(node_context.own_files(node.spec.name, node.spec.role, plan))
            case "data":
                self._put(node_context.data_files(plan))

    async def _peers(self, phase: PhaseSpec, found: Peers, deadline: float) -> Peers:
        """Those whom this node requires, once the broker has them all."""
        said = ""
        while found.roles is None:
            who = "; ".join(f"{role} of {', '.join(names)}" for role, names in found.absent.items())
            if found.is_lost:
                raise PhaseFailed(f"Nobody is left for what this node requires: {who}.")
            left = deadline - time.monotonic()
            if left <= 0:
                raise PhaseFailed(f"Not done within {phase.timeout_seconds} s: still waiting for {who}.")
            if said != who:
                said = who
                self.node.say(f"waiting for {who}", phase.name, "wait")
                self.stream.soon()
            await asyncio.sleep(min(found.ask_again_seconds, left))
            margin = max(MARGIN_SECONDS, phase.timeout_seconds * MARGIN_PART)
            some_will_do = deadline - time.monotonic() <= margin
            try:
                found = await self._broker.peers(some_will_do)
            except BrokerRefused as refusal:
                raise PhaseFailed(refusal.message) from None
        return found

    async def _script(self, phase: PhaseSpec, deadline: float) -> None:
        node = self.node
        path = f"scripts/{phase.name}"
        self._put({path: phase.script}, executable=True)
        inside = f"{node.context_folder}/{path}"
        argv = [inside] if phase.script.startswith("#!") else ["/bin/sh", inside]
        env = {
            "HOME": node.home,
            "USER": node.username,
            "LOGNAME": node.username,
            "SHELL": node.shell,
            "PATH": PATH,
            "LANG": "C.UTF-8",
            **node.environment,
            "HEADNODE_MEMBER": node.spec.name,
            "HEADNODE_PHASE": phase.name,
        }
        code, last = await scripts.run(
            node.machine(), argv, env, node.home, max(0.1, deadline - time.monotonic()), self._hears(phase)
        )
        if code == 0:
            return
        said = f": {last[:300]}" if last else "."
        if code is None:
            raise PhaseFailed(f"The script was not done within {phase.timeout_seconds} s and was ended{said}")
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
        raise PhaseFailed(f"The script {how}{said}")

    def _hears(self, phase: PhaseSpec) -> scripts.Heard:
        def heard(text: str) -> None:
            self.node.say(text, phase.name)
            self.stream.soon()

        return heard

    def _fault(self, phase: PhaseSpec) -> None:
        """The fault `context_fails`: the same as a script that fails, for those who have none."""
        if phase.name == "data" and self.node.fault("context_fails") is not None:
            self.node.say("context: script failed with exit status 1", phase.name)
            raise PhaseFailed("The context script failed with exit status 1.")

    # -- files ------------------------------------------------------------------------------------

    def _put(self, files: Mapping[str, str], *, executable: bool = False) -> None:
        try:
            self.node.cluster.put_context(self.node.hostname, dict(files), executable=executable)
        except OSError as error:
            raise PhaseFailed(f"The node's context cannot be written: {error.strerror}.") from None

    def _hosts(self) -> dict[str, Host]:
        return {host.name: host for host in self.node.cluster.hosts()}

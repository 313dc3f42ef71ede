"""Make a node a member of its cluster: it registers, does its phases in order, and reports."""

from jobs.node_contract.broker_calls import BootOutcome
from jobs.node_contract.context_files import READY_FILE
from jobs.node_contract.node_context import NodePlan
from jobs.simulator.boot.boot_line_sender import BootStream
from jobs.simulator.boot.booting_node import BootingNode
from jobs.simulator.boot.broker_client import BrokerClient, BrokerRefused
from jobs.simulator.boot.node_record import BootFailed, FailureReason
from jobs.simulator.boot.phase_runner import PhaseFailed, PhaseRunner

# What the broker answers once a node has reported.
TOKEN_SPENT = (403, 409)


class Contextualization:
    """One node's calls to the broker, from the first to the last."""

    def __init__(self, node: BootingNode, broker: BrokerClient) -> None:
        self._node, self._broker = node, broker
        self.stream = BootStream(broker, node.record.boots)
        self._phases = PhaseRunner(node, broker, self.stream)

    async def run(self) -> None:
        """Register, do every phase, report.

        Raises BootFailed, BrokerRefused, BrokerSilent, ChannelClosed, AgentError.
        """
        try:
            plan = await self._register()
            if plan is not None:
                await self._do_phases(plan)
        finally:
            self.stream.close()

    async def _register(self) -> NodePlan | None:
        """Return what to do; None if everything was done and reported before the node was booted again."""
        node = self._node
        changes_before = node.access_changes
        try:
            context = await self._broker.register(node.registration, node.username)
        except BrokerRefused as refusal:
            # The simulator was killed after the broker received the report and before that was noted here.
            if node.record.boots == 0 or node.record.context is None or refusal.status not in TOKEN_SPENT:
                raise
            node.record.reported = True
            return None
        node.record.context = context.own_part_as_json()
        await node.show_certificates(list(context.host_certificates))
        if node.access_changes == changes_before:
            # Otherwise a change that was pushed during the call is newer than the answer.
            node.apply_access(context.access)
        node.save()
        node.say("context: received")
        return context.plan

    async def _do_phases(self, plan: NodePlan) -> None:
        try:
            for phase in plan.phases:
                await self._phases.run(phase, plan)
            self._node.write_context(READY_FILE)
        except PhaseFailed as failure:
            await self._report(BootOutcome.ERROR)
            if not plan.stays_on_error:
                raise BootFailed(FailureReason.CONTEXT_FAILED, str(failure)) from None
            self._node.say("stays up, for its owner to look into it")
        else:
            self._node.say("context: OK")
            await self._report(BootOutcome.OK)

    async def _report(self, outcome: BootOutcome) -> None:
        record = self._node.record
        lines = await self.stream.finish()
        try:
            await self._broker.report(outcome, record.log_text, lines)
        except BrokerRefused as refusal:
            if record.boots == 0 or refusal.status not in TOKEN_SPENT:
                raise
        record.reported = True

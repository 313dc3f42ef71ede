"""The real loop with one job on the fakes of `tests.fakes`, one pass after the other, without anything going wrong."""

from collections.abc import Iterator
from datetime import timedelta

from accounts.models import User
from jobs.context import broker
from jobs.context.tokens import token_of
from jobs.models import Cluster, Job
from jobs.states import NodeState, Observed
from tests.fakes.head_node import HeadNode
from tests.jobs.isolated_portal import IsolatedPortal
from tests.jobs.making import HOST_KEYS, submitted_job

ADDRESS = "127.20.0.9"
MOST_PASSES = 40


class LoopOfOneJob:
    """A submitted job of one node, and the passes over its cluster."""

    def __init__(self, portal: IsolatedPortal, owner: User) -> None:
        portal.connect()
        self.portal, self.world = portal, portal.world
        self.job: Job = submitted_job(owner)

    @property
    def cluster(self) -> Cluster:
        return Cluster.objects.get(job=self.job)

    @property
    def head(self) -> HeadNode:
        return self.world.heads[self.cluster.pk]

    def passes(self, count: int) -> None:
        """Make passes, as far apart as the loop wants them."""
        for _ in range(count):
            due = self.cluster.next_check_at
            if due is None:
                return
            self.world.now = max(self.world.now, due) + timedelta(milliseconds=1)
            self.portal.reconcile(self.cluster.pk)
            self._cloud_works()

    def run_command(self) -> None:
        """Make passes until the command runs."""
        for _ in range(MOST_PASSES):
            if self.cluster.pk in self.world.heads and self.head.is_running:
                return
            self.passes(1)
        raise AssertionError(f"The command does not run: {self.messages()}")

    def life(self) -> Iterator[Cluster]:
        """Yield the row after each pass; the command ends by itself."""
        for _ in range(MOST_PASSES):
            yield self.cluster
            if self.cluster.observed_state == Observed.RELEASED:
                return
            if self.cluster.pk in self.world.heads and self.head.is_running:
                self.head.end_command(0)
            self.passes(1)
        raise AssertionError(f"It does not end: {self.messages()}")

    def messages(self) -> str:
        return "\n".join(event.message for event in self.job.events.all())

    def _cloud_works(self) -> None:
        self.world.finish_what_was_asked()
        machines = self.world.clusters.get(self.cluster.pk)
        if machines is not None and machines.nodes["head"] == NodeState.BOOTING:
            machines.come_up()
            machines.addresses[ADDRESS] = "head"
            token = token_of(self.cluster.pk, "head")
            facts = {
                "host_keys": HOST_KEYS[:1],
                "address": ADDRESS,
                "private_address": ADDRESS,
                "port": 32100,
            }
            broker.register(token, facts, ADDRESS)
            broker.report(token, {"outcome": "ok", "log": ""}, ADDRESS)

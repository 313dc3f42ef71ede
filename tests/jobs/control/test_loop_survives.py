"""Whatever is killed, lost, duplicated, late or broken, in whatever order: every cluster ends, once, and none is left.

A hypothesis state machine runs the world against the real controller on the real database: it submits, stops and
extends jobs, delivers, duplicates, reorders and loses messages, moves the clock, lets nodes report, die and finish, and
plans events for the next boundaries of a pass: a kill -9 between any two saves, a cloud or a connection
that breaks before or after a call took effect, a second worker that takes over while the first one sleeps.

LOOP_EXAMPLES=500 runs longer; the examples are the same in each run.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from accounts.audit.trail import Actor
from accounts.refusals import Refused
from jobs import tasks
from jobs.access import host_key_alarm
from jobs.context import broker, context_plan
from jobs.context.context_plan import ContextPolicy, OnError
from jobs.context.tokens import token_of
from jobs.control.decisions import Step
from jobs.lifetime import extending
from jobs.models import Cluster, ClusterStatus, Job, JobStatus, Node
from jobs.providers.base import ProviderError
from jobs.states import ClusterState, JobState, NodeState, Observed
from jobs.submission import job_actions
from tests.factories import UserFactory
from tests.fakes.cloud import Killed, Machines, PlannedEvent, World, busy, kill, later
from tests.fakes.connections import command_hangs, connection_breaks, program_fails
from tests.fakes.head_node import HeadNode
from tests.jobs.isolated_portal import IsolatedPortal
from tests.jobs.loop_promises import Promises, played
from tests.jobs.making import HOST_KEYS, draft

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(2400)]

EXAMPLES = int(os.environ.get("LOOP_EXAMPLES", "130"))
STEPS = 50
MOST_JOBS = 2
LEAST_STEPS = 5000
# Every job here has a command; a short run may do without the last two.
PLAYED_ELSEWHERE = {Step.STAND_BY, Step.CLOSE, Step.LEAVE_OUT, Step.GIVE_UP}
WORKERS = ("worker-1", "worker-2", "worker-3")
# Where an event happens: the nth boundary of a kind from now. A pass has many more queries than calls.
BOUNDARIES = st.one_of(
    st.tuples(st.just("cloud"), st.integers(1, 8)),
    st.tuples(st.just("ssh"), st.integers(1, 6)),
    st.tuples(st.just("database"), st.integers(1, 90)),
    st.tuples(st.just("database"), st.integers(20, 60)),
)
# The same for events that can only happen between transactions, often during a call to the cloud or a node.
QUIET_BOUNDARIES = st.one_of(
    st.tuples(st.just("ssh"), st.integers(1, 4)),
    st.tuples(st.just("cloud"), st.integers(1, 6)),
    st.tuples(st.just("database"), st.integers(1, 60)),
)
SELDOM = st.sampled_from([False] * 4 + [True])
OFTEN = st.sampled_from([True] * 6 + [False])


class Loop(Promises):
    """See the module's docstring."""

    portal: IsolatedPortal

    def __init__(self) -> None:
        super().__init__()
        self.portal.world = World(datetime.now(UTC))
        self.portal.connect()
        self.world = self.portal.world
        self.person = UserFactory.create()
        self.actor = Actor(self.person, "127.0.0.1", "api")
        self.administrator = Actor(UserFactory.create(is_superuser=True), "127.0.0.1", "web")
        self.jobs: list[Job] = []
        self.depth = 0
        # No two nodes have one address, whatever ids their clusters happen to get.
        self.places: dict[tuple[str, int], int] = {}

    # -- doing something that may be killed -------------------------------------------------------

    def attempt(self, what: Callable[[], Any]) -> None:
        """Run a part of the portal as a process of its own: it may be killed, be refused, or not reach the cloud."""
        try:
            with self.portal.watched():
                what()
        except Killed:
            played["killed"] += 1
            assert not connection.in_atomic_block
        except (Refused, ProviderError):
            played["refused"] += 1

    def make_pass(self, cluster_id: str, worker: str) -> None:
        before, self.world.worker = self.world.worker, worker
        try:
            self.attempt(lambda: self.portal.reconcile(cluster_id))
        finally:
            self.world.worker = before

    def interrupt(self, worker: str, seconds: float, cluster_id: str) -> None:
        """Let the worker that makes this pass sleep while time passes and another one works."""
        mine = self.world.worker
        if self.depth or worker == mine:  # no process has two passes under way under one name
            return
        self.depth += 1
        played["interrupted"] += 1
        try:
            later(self.world, seconds)
            for _ in range(3):
                Cluster.objects.filter(pk=cluster_id, next_check_at__isnull=False).update(
                    next_check_at=self.world.now
                )
                self.make_pass(cluster_id, worker)
        finally:
            self.depth -= 1
            self.world.worker = mine

    def job(self, number: int) -> Job:
        return self.jobs[number % len(self.jobs)]

    # -- people -----------------------------------------------------------------------------------

    @initialize()
    def a_job_is_there(self) -> None:
        self.submit(2, False, OnError.HOLD)

    @precondition(lambda self: len(self.jobs) < MOST_JOBS)
    @rule(slots=st.integers(1, 2), keeps=st.booleans(), on_error=st.sampled_from(OnError))
    def submit(self, slots: int, keeps: bool, on_error: OnError) -> None:
        wanted = draft(slots=slots, auto_terminate_cluster=not keeps)
        saved = job_actions.create_job(self.actor, self.person, wanted)
        self.attempt(lambda: job_actions.submit_job(self.actor, saved))
        saved.refresh_from_db()
        if saved.submitted_at is not None:
            plan = context_plan.plain_plan(saved.core_type_id, saved.cores_per_slot, slots)
            policy = ContextPolicy(on_error, at_least_percent=50)
            Cluster.objects.filter(job=saved).update(plan=replace(plan, policy=policy).as_json())
            self.jobs.append(saved)

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 1), really=SELDOM)
    def stop(self, number: int, really: bool) -> None:
        if really:
            self.attempt(lambda: job_actions.stop_job(self.actor, self.job(number)))

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 1), seconds=st.sampled_from([60, 3600, 90_000]))
    def extend(self, number: int, seconds: int) -> None:
        more = timedelta(seconds=seconds)
        self.attempt(lambda: extending.extend_job(self.actor, self.job(number), by=more))

    # -- messages, time, workers ------------------------------------------------------------------

    @precondition(lambda self: self.world.queue)
    @rule(position=st.integers(0, 5), stays=st.booleans(), worker=st.sampled_from(WORKERS))
    def deliver(self, position: int, stays: bool, worker: str) -> None:
        position %= len(self.world.queue)
        cluster_id = self.world.queue[position]
        if not stays:
            del self.world.queue[position]
        self.make_pass(cluster_id, worker)

    @precondition(lambda self: self.world.queue)
    @rule(position=st.integers(0, 5))
    def lose(self, position: int) -> None:
        del self.world.queue[position % len(self.world.queue)]

    @rule(worker=st.sampled_from(WORKERS))
    def sweep_and_deliver(self, worker: str) -> None:
        self.attempt(tasks.sweep)
        for cluster_id in dict.fromkeys(self.world.queue):
            self.make_pass(cluster_id, worker)
        self.world.queue.clear()

    @precondition(lambda self: self.jobs)
    @rule(turns=st.integers(1, 6), ends=st.booleans(), worker=st.sampled_from(WORKERS))
    def all_goes_on_for_a_while(self, turns: int, ends: bool, worker: str) -> None:
        """Without this, most lives would end before they began. Planned events happen all the same."""
        for turn in range(turns):
            self.goes_on(worker)
            if ends and turn == 2:
                self.commands_end(0)

    def goes_on(self, worker: str) -> None:
        """Let booting nodes report, and make a pass over each due cluster."""
        later(self.world, 3)
        self.nodes_report(True, True, 1)
        self.commands_print(2)
        self.sweep_and_deliver(worker)
        self.world.finish_stopping()

    @rule()
    def search_for_orphans(self) -> None:
        self.attempt(lambda: self.portal.find_orphans())

    @rule(seconds=st.sampled_from([0.5, 3, 25, 25, 25, 100, 700, 3700]))
    def time_passes(self, seconds: float) -> None:
        later(self.world, seconds)

    @rule(seconds=st.sampled_from([1, 30]))
    def the_clock_is_put_back(self, seconds: float) -> None:
        later(self.world, -seconds)

    # -- what is going to go wrong ----------------------------------------------------------------

    def with_a_planned_event(
        self, boundary: tuple[str, int], act: Callable[[], None], needs_no_transaction: bool = False
    ) -> None:
        """Plan an event and run the loop, so that most planned events do happen."""
        self.world.planned.append(PlannedEvent(*boundary, act, needs_no_transaction))
        self.goes_on("worker-1")

    @rule(boundary=BOUNDARIES)
    def a_worker_is_killed(self, boundary: tuple[str, int]) -> None:
        self.with_a_planned_event(boundary, kill)

    @rule(left=st.integers(1, 8))
    def the_cloud_is_busy(self, left: int) -> None:
        self.with_a_planned_event(("cloud", left), busy)

    @rule(left=st.integers(1, 6))
    def a_connection_breaks(self, left: int) -> None:
        self.with_a_planned_event(("ssh", left), connection_breaks)

    @rule(left=st.integers(1, 6))
    def a_node_does_not_answer_in_time(self, left: int) -> None:
        self.with_a_planned_event(("ssh", left), command_hangs)

    @rule(left=st.integers(1, 6))
    def the_program_fails(self, left: int) -> None:
        self.with_a_planned_event(("ssh", left), lambda: program_fails(self.world))

    @precondition(lambda self: self.world.clusters)
    @rule(number=st.integers(0, 3), really=SELDOM)
    def a_head_shows_another_key(self, number: int, really: bool) -> None:
        if really:
            self._machines(number).head.shows_another_key = True
            self.goes_on("worker-1")

    @precondition(lambda self: self.world.clusters)
    @rule(number=st.integers(0, 3), is_well=OFTEN)
    def an_administrator_clears_the_alarm(self, number: int, is_well: bool) -> None:
        cluster_id = list(self.world.clusters)[number % len(self.world.clusters)]
        self._machines(number).head.shows_another_key = not is_well
        if head := Node.objects.filter(cluster=cluster_id, name="head").first():
            self.attempt(lambda: host_key_alarm.clear_host_key_alarm(self.administrator, head))

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 1), boundary=QUIET_BOUNDARIES, seconds=st.sampled_from([21, 21, 100, 4000]))
    def another_worker_takes_over(self, number: int, boundary: tuple[str, int], seconds: float) -> None:
        cluster_id = self.job(number).cluster.pk
        self.with_a_planned_event(
            boundary, lambda: self.interrupt("worker-2", seconds, cluster_id), needs_no_transaction=True
        )

    @precondition(lambda self: self.jobs)
    @rule(number=st.integers(0, 1), boundary=QUIET_BOUNDARIES)
    def it_is_stopped_meanwhile(self, number: int, boundary: tuple[str, int]) -> None:
        key = self.job(number).pk

        def stop_it() -> None:
            job_actions.stop_job(self.actor, Job.objects.get(pk=key))

        self.with_a_planned_event(boundary, stop_it, needs_no_transaction=True)

    @rule(refuses=SELDOM)
    def capacity_changes(self, refuses: bool) -> None:
        self.world.refuses_orders = refuses

    # -- nodes ------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.clusters)
    @rule(is_well=OFTEN, are_all_well=st.sampled_from([True] * 12 + [False]), said=st.integers(1, 2))
    def nodes_report(self, is_well: bool, are_all_well: bool, said: int) -> None:
        for cluster_id, machines in list(self.world.clusters.items()):
            for number, (name, state) in enumerate(machines.nodes.items()):
                if state != "booting":
                    continue
                if well := is_well and (are_all_well or number == 0):
                    machines.nodes[name] = "running"
                for _ in range(said):
                    self.attempt(lambda: self._report(cluster_id, name, number, well))  # noqa: B023

    def _report(self, cluster_id: str, name: str, number: int, is_well: bool) -> None:
        token = token_of(cluster_id, name)
        place = self.places.setdefault((cluster_id, number), len(self.places))
        address = f"127.20.{place // 250}.{place % 250 + 1}"
        self.world.clusters[cluster_id].addresses[address] = name
        said = {"host_keys": [HOST_KEYS[0]], "address": address, "private_address": address, "port": 32100}
        broker.register(token, said, address)
        broker.report(token, {"outcome": "ok" if is_well else "error", "log": ""}, address)

    @precondition(lambda self: self.world.clusters)
    @rule(number=st.integers(0, 3), state=st.sampled_from(["failed", "stopped"]), really=SELDOM)
    def a_node_dies(self, number: int, state: str, really: bool) -> None:
        if not really:
            return
        machines = self._machines(number)
        name = list(machines.nodes)[number % len(machines.nodes)]
        machines.end(name, NodeState(state))
        if name == "head":
            machines.head.lose_power()

    def _machines(self, number: int) -> Machines:
        return list(self.world.clusters.values())[number % len(self.world.clusters)]

    @precondition(lambda self: self.world.clusters)
    @rule(code=st.sampled_from([0, 0, 1]))
    def commands_end(self, code: int) -> None:
        for head in self._running():
            head.end_command(code)

    @rule(count=st.integers(1, 7))
    def commands_print(self, count: int) -> None:
        for head in self._running():
            head.lines += [f"line {len(head.lines) + number}" for number in range(count)]

    @rule()
    def commands_ignore_stops(self) -> None:
        for head in self._running():
            head.ignores_stop = True

    @precondition(lambda self: self.world.clusters)
    @rule()
    def heads_are_rebooted(self) -> None:
        for head in self.world.heads.values():
            head.lose_power()

    def _running(self) -> list[HeadNode]:
        return [head for head in self.world.heads.values() if head.is_running]

    @rule()
    def the_cloud_finishes_deletions(self) -> None:
        self.world.finish_deletions()

    @rule()
    def nodes_stop(self) -> None:
        self.world.finish_stopping()

    def teardown(self) -> None:
        """Let nothing go wrong any more and nobody act: everything must end without help."""
        self.world.planned.clear()
        for turn in range(120):
            later(self.world, 4 * 3600 if turn % 4 == 3 else 95)
            self.sweep_and_deliver("worker-9")
            self.world.finish_what_was_asked()
            self.attempt(lambda: self.portal.find_orphans())
            if self._all_over():
                break
        self.every_job_log_is_complete()
        self.no_command_runs_twice()
        for job in self.jobs:
            job.refresh_from_db()
            cluster = Cluster.objects.get(job=job)
            assert (cluster.observed_state, cluster.next_check_at) == (Observed.RELEASED, None)
            assert ClusterStatus.objects.filter(cluster=cluster).latest("id").status == ClusterState.STOPPED
            assert JobStatus.objects.filter(job=job).latest("id").status == JobState.COMPLETED
            assert job.completed_at is not None
            assert job.outcome
            played[f"ended {job.outcome}"] += 1
        assert not self.world.clusters, "the cloud still has something"

    def _all_over(self) -> bool:
        live = Cluster.objects.filter(job__in=self.jobs).exclude(observed_state=Observed.RELEASED)
        return not self.world.clusters and not live.exists()


def test_every_cluster_ends_once_and_nothing_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    played.clear()
    Loop.portal = IsolatedPortal(monkeypatch)
    run_state_machine_as_test(
        Loop,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(", ".join(f"{what}: {count}" for what, count in sorted(played.items())))  # noqa: T201 - the figures of the run
    assert played["steps"] >= LEAST_STEPS
    # A run in which nothing went wrong would prove nothing.
    assert min(played["killed"], played["interrupted"]) >= 20
    assert min(played[f"ended {how}"] for how in ("succeeded", "terminated", "error")) >= 1
    assert {step for step in Step if not Loop.portal.steps[step]} <= PLAYED_ELSEWHERE

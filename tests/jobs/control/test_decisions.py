"""The decision of the loop: every state has an answer, and every life ends."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.control.cluster_end_reasons import ClusterEndReason, result_of
from jobs.control.decisions import Decision, Facts, NodeFacts, Step, decide
from jobs.lifetime.deadline import DeadlineReason
from jobs.states import ClusterState, Desired, Observed, Outcome, cluster_state

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UP = NodeFacts("head", "running", report="ok", verified=True)
COMPUTE = NodeFacts("compute-1", "running", report="ok", verified=True)


def facts(observed: Observed, desired: Desired = Desired.RUNNING, **other: object) -> Facts:
    return replace(Facts(desired, observed, NOW, nodes=(UP, COMPUTE)), **other)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("observed", "running", "stopped"),
    [
        (Observed.ABSENT, Step.PROVISION, Step.RELEASE),
        (Observed.BOOTING, Step.VERIFY, Step.RELEASE),
        (Observed.READY, Step.LAUNCH, Step.SKIP_COMMAND),
        (Observed.EXECUTING, Step.FOLLOW, Step.STOP_COMMAND),
        (Observed.EXECUTED, Step.DRAIN, Step.DRAIN),
        (Observed.DRAINED, Step.COLLECT, Step.COLLECT),
        (Observed.COLLECTED, Step.RELEASE, Step.RELEASE),
        (Observed.RELEASING, Step.WATCH_RELEASE, Step.WATCH_RELEASE),
        (Observed.RELEASED, Step.NOTHING, Step.NOTHING),
    ],
)
def test_each_state_has_its_step(observed: Observed, running: Step, stopped: Step) -> None:
    assert decide(facts(observed)).step == running
    assert decide(facts(observed, Desired.STOPPED)).step == stopped


def test_every_combination_has_an_answer() -> None:
    states = ["booting", "running", "stopping", "stopped", "failed"]
    reports = ["", "ok", "error"]
    clock = [None, NOW - timedelta(seconds=1), NOW + timedelta(hours=1)]
    count = 0
    for observed, desired, state, report, has_it, failed, auto, at in itertools.product(
        Observed, Desired, states, reports, [True, False], [True, False], [True, False], clock
    ):
        decision = decide(
            Facts(
                desired,
                observed,
                NOW,
                (NodeFacts("head", state, report=report),),
                has_it,
                failed,
                auto,
                boot_limit_at=at,
                deadline_at=at,
                stop_limit_at=at,
                overrun_at=at,
                launch_limit_at=at,
            )
        )
        assert isinstance(decision, Decision)
        if decision.step == Step.FAIL:
            assert decision.why.endswith(".")
        count += 1
    assert count == 10 * 2 * 5 * 3 * 2 * 2 * 2 * 3


@pytest.mark.parametrize(
    ("observed", "step"),
    [
        (Observed.ABSENT, Step.RELEASE),
        (Observed.BOOTING, Step.RELEASE),
        (Observed.READY, Step.RELEASE),
        (Observed.EXECUTING, Step.STOP_COMMAND),
        (Observed.EXECUTED, Step.DRAIN),
        (Observed.DRAINED, Step.COLLECT),
        (Observed.COLLECTED, Step.RELEASE),
    ],
)
def test_what_broke_is_released_when_its_files_are_stored(observed: Observed, step: Step) -> None:
    assert decide(facts(observed, failed=True)).step == step


def test_a_silent_node_fails_the_boot_after_its_limit_by_name() -> None:
    silent = NodeFacts("compute-1", "booting")
    waiting = facts(Observed.BOOTING, nodes=(UP, silent), boot_limit_at=NOW + timedelta(seconds=1))
    assert decide(waiting).step == Step.WATCH_BOOT
    late = replace(waiting, boot_limit_at=NOW)
    assert decide(late) == Decision(Step.FAIL, "These nodes did not report in time: compute-1.")


def test_a_node_that_reports_an_error_fails_the_boot() -> None:
    sick = NodeFacts("compute-1", "running", report="error")
    assert decide(facts(Observed.BOOTING, nodes=(UP, sick))).step == Step.FAIL


def test_a_compute_node_that_dies_fails_the_run_but_not_the_collection() -> None:
    dead = NodeFacts("compute-1", "failed", reason="plug pulled")
    assert decide(facts(Observed.EXECUTING, nodes=(UP, dead))).step == Step.FAIL
    assert decide(facts(Observed.EXECUTED, nodes=(UP, dead))).step == Step.DRAIN


def test_walltime_stops_the_command() -> None:
    over = facts(Observed.EXECUTING, deadline_at=NOW, deadline_reason="walltime")
    assert decide(over) == Decision(Step.STOP_COMMAND, "Walltime exceeded", by_deadline=True)


@pytest.mark.parametrize("reason", [reason for reason in DeadlineReason if reason != DeadlineReason.WALLTIME])
def test_whatever_limit_comes_first_stops_the_command_and_is_named(reason: DeadlineReason) -> None:
    decision = decide(facts(Observed.EXECUTING, deadline_at=NOW, deadline_reason=reason.value))
    assert decision.step == Step.STOP_COMMAND
    outcome, sentence = result_of(decision.why)
    assert outcome == Outcome.DEADLINE
    assert sentence != ClusterEndReason.WALLTIME.result[1]


@pytest.mark.parametrize("reason", ClusterEndReason)
def test_every_end_reason_has_a_result(reason: ClusterEndReason) -> None:
    outcome, sentence = reason.result
    assert outcome != Outcome.NONE
    assert sentence
    assert result_of(reason.value) == reason.result


def test_a_reason_that_only_the_node_knows_counts_as_the_owners() -> None:
    assert result_of("Because I say so") == ClusterEndReason.STOPPED_BY_OWNER.result


@pytest.mark.parametrize("observed", [Observed.ABSENT, Observed.BOOTING, Observed.READY])
def test_a_cluster_that_never_gets_to_its_command_does_not_live_for_ever(observed: Observed) -> None:
    old = decide(facts(observed, deadline_at=NOW, deadline_reason="longest_life"))
    assert (old.step, old.by_deadline) == (Step.FAIL, True)


def test_a_kept_head_stays_until_its_deadline() -> None:
    kept = facts(Observed.COLLECTED, auto_terminate=False, deadline_at=NOW + timedelta(seconds=1))
    assert decide(kept).step == Step.KEEP
    assert decide(replace(kept, deadline_at=NOW)).step == Step.RELEASE
    assert decide(replace(kept, desired=Desired.STOPPED)).step == Step.RELEASE


def test_a_command_that_does_not_stop_does_not_keep_the_cluster() -> None:
    stuck = facts(Observed.EXECUTING, Desired.STOPPED, stop_limit_at=NOW)
    assert decide(stuck) == Decision(Step.ABANDON, "User terminated")
    overrun = facts(Observed.EXECUTING, deadline_at=NOW, deadline_reason="walltime", overrun_at=NOW)
    assert decide(overrun) == Decision(Step.ABANDON, "Walltime exceeded", by_deadline=True)


@pytest.mark.parametrize("observed", [Observed.EXECUTED, Observed.DRAINED])
def test_files_that_do_not_come_do_not_keep_the_cluster(observed: Observed) -> None:
    waiting = facts(observed, deadline_at=NOW + timedelta(seconds=1))
    assert decide(waiting).step != Step.GIVE_UP
    assert decide(replace(waiting, deadline_at=NOW)).step == Step.GIVE_UP


def test_a_command_that_cannot_be_launched_fails_the_cluster() -> None:
    assert decide(facts(Observed.READY, launch_limit_at=NOW)).step == Step.FAIL


@pytest.mark.parametrize(
    ("desired", "observed", "failed"), list(itertools.product(Desired, Observed, [True, False]))
)
def test_every_pair_reads_as_one_status(desired: Desired, observed: Observed, failed: bool) -> None:
    status = cluster_state(desired, observed, failed)
    assert isinstance(status, ClusterState)
    assert (status == ClusterState.STOPPED) == (observed == Observed.RELEASED)

"""What the loop decides about clusters whose nodes did not all come up, and about those that are held."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.context.context_plan import ContextPolicy, OnError
from jobs.control.decisions import DESTROYS, Decision, Facts, NodeFacts, Step, decide
from jobs.states import ClusterState, Desired, Observed, accepts_logins, cluster_state

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
HEAD = NodeFacts("head", "running", report="ok", registered=True)
SICK = NodeFacts("compute-1", "running", report="error", registered=True)
GONE = NodeFacts("compute-1", "failed", "power lost", report="error", registered=True)


def facts(observed: Observed, desired: Desired = Desired.RUNNING, **other: object) -> Facts:
    return replace(Facts(desired, observed, NOW, nodes=(HEAD, SICK)), **other)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("policy", "step"),
    [
        (ContextPolicy(OnError.BACK_OUT), Step.FAIL),
        (ContextPolicy(OnError.HOLD), Step.HOLD),
        (ContextPolicy(OnError.CONTINUE, at_least_percent=50), Step.LEAVE_OUT),
        (ContextPolicy(OnError.CONTINUE, at_least_percent=51), Step.FAIL),
    ],
)
def test_each_policy_has_its_step_and_the_report_comes_first(policy: ContextPolicy, step: Step) -> None:
    booting = facts(Observed.BOOTING, policy=policy)
    assert decide(replace(booting, reported=False)) == Decision(Step.REPORT)
    assert decide(booting).step == step
    assert decide(booting).why.startswith("compute-1 reported an error")


def test_terminate_does_not_ask_the_policy() -> None:
    stopped = facts(Observed.BOOTING, Desired.STOPPED, policy=ContextPolicy(OnError.HOLD))
    assert decide(stopped).step == Step.RELEASE


@pytest.mark.parametrize("on_error", OnError)
def test_what_the_provider_forgot_and_what_is_distrusted_no_policy_saves(on_error: OnError) -> None:
    policy = ContextPolicy(on_error, 1)
    assert decide(facts(Observed.BOOTING, policy=policy, provider_has_it=False)).step == Step.FAIL
    swapped = replace(SICK, distrusted=True)
    assert decide(facts(Observed.BOOTING, policy=policy, nodes=(HEAD, swapped))).step == Step.FAIL


def test_who_is_left_out_counts_no_more() -> None:
    left = replace(GONE, left_out=True)
    for observed, step in [
        (Observed.BOOTING, Step.VERIFY),
        (Observed.READY, Step.LAUNCH),
        (Observed.EXECUTING, Step.FOLLOW),
    ]:
        assert decide(facts(observed, nodes=(HEAD, left))).step == step
        if observed != Observed.BOOTING:
            assert decide(facts(observed, nodes=(HEAD, GONE))).step == Step.FAIL


def test_after_leaving_out_there_is_time_to_log_in_but_not_for_ever() -> None:
    left = replace(GONE, left_out=True)
    late = facts(Observed.BOOTING, nodes=(HEAD, left), boot_limit_at=NOW)
    assert decide(late).step == Step.VERIFY
    assert decide(replace(late, boot_limit_at=NOW - timedelta(minutes=5))) == Decision(
        Step.FAIL, "No login in time."
    )


def test_leaving_out_one_after_the_other_does_not_make_few_enough() -> None:
    left = replace(GONE, name="compute-8", left_out=True)
    some = facts(
        Observed.BOOTING,
        nodes=(HEAD, GONE, left),
        policy=ContextPolicy(OnError.CONTINUE, at_least_percent=50),
    )
    assert decide(some).step == Step.FAIL
    assert decide(replace(some, nodes=(HEAD, GONE))).step == Step.LEAVE_OUT


def test_a_held_cluster_is_kept_until_its_deadline_or_terminate() -> None:
    held = facts(Observed.HELD, failed=True, deadline_at=LATER)
    assert decide(held).step == Step.KEEP
    assert decide(replace(held, deadline_at=NOW)).step == Step.RELEASE
    assert decide(replace(held, desired=Desired.STOPPED)).step == Step.RELEASE
    assert decide(replace(held, provider_has_it=False)).step == Step.RELEASE


def test_a_held_cluster_of_which_nothing_is_up_any_more_is_released() -> None:
    held = facts(Observed.HELD, failed=True, deadline_at=LATER)
    dead = replace(HEAD, state="failed")
    assert decide(replace(held, nodes=(dead, SICK))).step == Step.KEEP
    assert decide(replace(held, nodes=(dead, GONE))).step == Step.RELEASE
    # What never phoned home is nowhere to be found.
    assert decide(replace(held, nodes=(dead, NodeFacts("compute-1")))).step == Step.RELEASE


@pytest.mark.parametrize(
    "observed", [o for o in Observed if o not in (Observed.RELEASING, Observed.RELEASED)]
)
@pytest.mark.parametrize("desired", Desired)
@pytest.mark.parametrize("failed", [True, False])
def test_nothing_is_destroyed_before_the_report(observed: Observed, desired: Desired, failed: bool) -> None:
    some = facts(observed, desired, failed=failed, reported=False, deadline_at=NOW, boot_limit_at=NOW)
    assert decide(some).step not in DESTROYS
    if decide(replace(some, reported=True)).step in DESTROYS:
        assert decide(some) == Decision(Step.REPORT)
        # Nothing was ordered yet: there is nothing to tell.
        assert decide(replace(some, nodes=())).step != Step.REPORT


def test_held_reads_as_an_error_one_can_log_in_to() -> None:
    assert cluster_state(Desired.RUNNING, Observed.HELD, failed=True) == ClusterState.ERROR
    assert accepts_logins(Observed.HELD)

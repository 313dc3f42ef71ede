"""What the loop decides about a cluster whose head node showed another host key."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.control.decisions import Facts, NodeFacts, Step, decide
from jobs.states import Desired, Observed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = NodeFacts("head", "running", report="ok", verified=True, distrusted=True)
COMPUTE = NodeFacts("compute-1", "running", report="ok", verified=True)
TALKS = [Observed.READY, Observed.EXECUTING, Observed.DRAINED]


def facts(observed: Observed, desired: Desired = Desired.RUNNING, **other: object) -> Facts:
    return replace(Facts(desired, observed, NOW, nodes=(HEAD, COMPUTE)), **other)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize("observed", TALKS)
def test_wait_for_an_administrator(observed: Observed) -> None:
    late = NOW + timedelta(hours=1)
    assert decide(facts(observed, trust_limit_at=late, deadline_at=late)).step == Step.WAIT_FOR_TRUST


@pytest.mark.parametrize("observed", TALKS)
def test_but_not_longer_than_the_limit(observed: Observed) -> None:
    decision = decide(facts(observed, trust_limit_at=NOW))
    assert decision.step == Step.FAIL
    assert "nobody cleared the alarm" in decision.why


def test_the_walltime_counts_while_the_command_runs() -> None:
    assert decide(facts(Observed.EXECUTING, deadline_at=NOW)).step == Step.FAIL
    assert decide(facts(Observed.DRAINED, deadline_at=NOW)).step == Step.WAIT_FOR_TRUST


@pytest.mark.parametrize("observed", TALKS)
def test_the_owner_may_always_end_it(observed: Observed) -> None:
    assert decide(facts(observed, Desired.STOPPED)).step == Step.RELEASE


@pytest.mark.parametrize("observed", TALKS)
def test_a_node_that_is_gone_is_not_waited_for(observed: Observed) -> None:
    gone = (replace(HEAD, state="failed"), COMPUTE)
    assert decide(facts(observed, nodes=gone)).step == Step.FAIL
    assert decide(facts(observed, provider_has_it=False)).step == Step.FAIL


def test_before_it_is_ready_it_fails() -> None:
    for nodes in ((HEAD, COMPUTE), (replace(HEAD, distrusted=False), replace(COMPUTE, distrusted=True))):
        assert decide(facts(Observed.BOOTING, nodes=nodes)).step == Step.FAIL


@pytest.mark.parametrize("observed", [*TALKS, Observed.EXECUTED, Observed.COLLECTED])
def test_a_compute_node_holds_nothing_up(observed: Observed) -> None:
    """After its first login the loop never talks to one."""
    fine = facts(observed, nodes=(replace(HEAD, distrusted=False), COMPUTE))
    bad = facts(observed, nodes=(replace(HEAD, distrusted=False), replace(COMPUTE, distrusted=True)))
    assert decide(bad) == decide(fine)

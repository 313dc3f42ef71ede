"""What becomes of a cluster whose nodes boot, for every policy and every way they may stand."""

import itertools
from datetime import timedelta

import pytest

from jobs.context.boot_policy import BootAction, BootDecision, NodeProgress, decide_boot, hold_limit
from jobs.context.context_plan import ContextPolicy, OnError

HEAD = NodeProgress("head", "running", report="ok", registered=True)
UP = NodeProgress("compute-1", "running", report="ok", registered=True)
COMING = NodeProgress("compute-2", registered=True)
SICK = NodeProgress("compute-3", "running", "data: exit status 1.", report="error", registered=True)
DEAD = NodeProgress("compute-4", "failed", "plug pulled", registered=True)
SILENT = NodeProgress("compute-5")
BACK_OUT, HOLD, CONTINUE = (ContextPolicy(on_error) for on_error in OnError)


@pytest.mark.parametrize("policy", [BACK_OUT, HOLD, CONTINUE])
def test_all_up_go_and_before_that_wait(policy: ContextPolicy) -> None:
    assert decide_boot(policy, [HEAD, UP], is_late=False) == BootDecision(BootAction.GO)
    assert decide_boot(policy, [HEAD, UP, COMING], is_late=False) == BootDecision(BootAction.WAIT)
    assert decide_boot(policy, [], is_late=True) == BootDecision(BootAction.WAIT)


def test_back_out_at_the_first_that_breaks() -> None:
    verdict = decide_boot(BACK_OUT, [HEAD, COMING, SICK], is_late=False)
    assert verdict == BootDecision(
        BootAction.BACK_OUT, "compute-3 reported an error from its contextualization: data: exit status 1."
    )
    assert (
        decide_boot(BACK_OUT, [HEAD, DEAD], is_late=False).why
        == "compute-4 failed while it booted: plug pulled."
    )
    assert decide_boot(BACK_OUT, [HEAD, SILENT], is_late=True).why == (
        "These nodes did not report in time: compute-5."
    )


def test_everything_that_broke_is_named() -> None:
    why = decide_boot(BACK_OUT, [HEAD, SICK, DEAD, SILENT], is_late=True).why
    assert all(name in why for name in ("compute-3", "compute-4", "compute-5"))


def test_its_own_word_counts_before_what_the_provider_saw() -> None:
    both = NodeProgress("compute-1", "failed", "context_failed", "error", registered=True)
    assert decide_boot(BACK_OUT, [HEAD, both], is_late=False).why.startswith("compute-1 reported an error")


def test_hold_waits_for_those_who_still_come() -> None:
    assert decide_boot(HOLD, [HEAD, COMING, SICK], is_late=False).action == BootAction.WAIT
    assert decide_boot(HOLD, [HEAD, UP, SICK], is_late=False).action == BootAction.HOLD
    assert decide_boot(HOLD, [HEAD, COMING, SICK], is_late=True).action == BootAction.HOLD


def test_hold_needs_something_that_is_up() -> None:
    verdict = decide_boot(HOLD, [DEAD, SILENT], is_late=True)
    assert verdict.action == BootAction.BACK_OUT
    assert verdict.why.endswith("No node is up, so there is nothing to hold.")


def test_continue_leaves_out_what_broke_when_enough_are_up() -> None:
    half = ContextPolicy(OnError.CONTINUE, at_least_percent=50)
    assert decide_boot(half, [HEAD, UP, COMING, SICK], is_late=False).action == BootAction.WAIT
    verdict = decide_boot(half, [HEAD, UP, COMING, SICK], is_late=True)
    assert (verdict.action, verdict.nodes) == (BootAction.LEAVE_OUT, ("compute-2", "compute-3"))
    assert verdict.why.endswith("Going on with 2 of 4 nodes: at least 50 % are wanted.")


def test_continue_backs_out_as_soon_as_it_cannot_come_to_enough() -> None:
    most = ContextPolicy(OnError.CONTINUE, at_least_percent=75)
    assert decide_boot(most, [HEAD, COMING, SICK, DEAD], is_late=False).action == BootAction.BACK_OUT
    assert decide_boot(most, [HEAD, UP, COMING, SICK], is_late=False).action == BootAction.WAIT


def test_those_left_out_before_count_among_those_who_are_wanted() -> None:
    most = ContextPolicy(OnError.CONTINUE, at_least_percent=60)
    assert decide_boot(most, [HEAD, UP, SICK], is_late=False).action == BootAction.LEAVE_OUT
    verdict = decide_boot(most, [HEAD, UP, SICK], is_late=False, left_out=2)
    assert verdict.action == BootAction.BACK_OUT
    assert verdict.why.endswith("That leaves 2 of 5 nodes, less than 60 %.")


def test_nothing_goes_on_without_the_head() -> None:
    headless = NodeProgress("head", "running", report="error", registered=True)
    verdict = decide_boot(ContextPolicy(OnError.CONTINUE, 1), [headless, UP], is_late=False)
    assert verdict.action == BootAction.BACK_OUT
    assert "without the head" in verdict.why


@pytest.mark.parametrize(
    ("policy", "action"),
    [(BACK_OUT, BootAction.BACK_OUT), (HOLD, BootAction.HOLD), (CONTINUE, BootAction.BACK_OUT)],
)
def test_all_report_ok_and_nobody_gets_in(policy: ContextPolicy, action: BootAction) -> None:
    assert decide_boot(policy, [HEAD, UP], is_late=True) == BootDecision(action, "No login in time.")


def test_every_combination_ends_once_time_is_up() -> None:
    """Late, nothing waits for ever; a verdict that is not WAIT or GO has a sentence."""
    kinds = [UP, COMING, SICK, DEAD, SILENT]
    for policy, head, others, late in itertools.product(
        [BACK_OUT, HOLD, CONTINUE],
        kinds,
        itertools.combinations_with_replacement(kinds, 3),
        [True, False],
    ):
        nodes = [NodeProgress("head", head.state, head.reason, head.report, head.registered)]
        nodes += [
            NodeProgress(f"compute-{number}", node.state, node.reason, node.report, node.registered)
            for number, node in enumerate(others)
        ]
        verdict = decide_boot(policy, nodes, late)
        if late:
            assert verdict.action not in (BootAction.WAIT, BootAction.GO)
        if verdict.action not in (BootAction.WAIT, BootAction.GO):
            assert verdict.why.endswith(".")
        if verdict.action == BootAction.LEAVE_OUT:
            left = [node for node in nodes if node.name not in verdict.nodes]
            # All who go on are up, and the next look at them says so.
            assert decide_boot(policy, left, is_late=False) == BootDecision(BootAction.GO)


def test_nobody_holds_longer_than_the_administrator_allows() -> None:
    assert hold_limit(ContextPolicy(OnError.HOLD, hold_hours=2), timedelta(hours=24)) == timedelta(hours=2)
    assert hold_limit(ContextPolicy(OnError.HOLD, hold_hours=99), timedelta(hours=24)) == timedelta(hours=24)

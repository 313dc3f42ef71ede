"""When a cluster is idle: what reports show, what a missing answer counts as, and how the limit meets the others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.refusals import Refused
from jobs.lifetime import deadline, idle
from jobs.lifetime.deadline import Deadline, DeadlinePolicy, DeadlineReason, Life
from jobs.lifetime.idle import Counters, IdlePolicy, Sighting, Source
from jobs.node_contract.activity import ActivityReport, SessionKind, SessionReport, TerminalReport
from jobs.states import Observed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
POLICY = IdlePolicy(limit=HOUR, cpu_percent=5, unknown=30 * MINUTE)
LIMITS = DeadlinePolicy(longest_life=96 * HOUR, longest_walltime=48 * HOUR, kept_head=24 * HOUR, collect=HOUR)
LIFE = Life(Observed.EXECUTING, created_at=NOW, walltime=10 * HOUR, executing_at=NOW)
BEFORE = Counters(clock=100, processor=50, moved={}, tunnels={})
QUIET = ActivityReport(clock=160, processor=50.5)
spans = st.timedeltas(min_value=timedelta(), max_value=100 * HOUR)


def seen(report: ActivityReport, before: Counters | None = BEFORE, cores: int = 2) -> dict[Source, Sighting]:
    found = idle.sightings_in(report, before, NOW, "head", cores, POLICY.cpu_percent)
    assert len({each.source for each in found}) == len(found)
    return {each.source: each for each in found}


def test_a_quiet_node_shows_nothing() -> None:
    assert seen(QUIET) == {}


def test_a_program_in_a_terminal_is_activity_now_although_no_byte_moves() -> None:
    found = seen(replace(QUIET, terminals=(TerminalReport(9_000, "sleep"),)))
    assert found == {Source.PROGRAM: Sighting(Source.PROGRAM, NOW, "sleep on head")}


def test_a_prompt_counts_from_its_last_key() -> None:
    found = seen(replace(QUIET, terminals=(TerminalReport(720), TerminalReport(5_000))))
    assert found == {Source.SSH: Sighting(Source.SSH, NOW - 12 * MINUTE, "head")}


@pytest.mark.parametrize(
    ("kind", "source"), [(SessionKind.TRANSFER, Source.TRANSFER), (SessionKind.SHELL, Source.SSH)]
)
def test_a_session_that_waits_counts_only_when_it_moves(kind: SessionKind, source: Source) -> None:
    report = replace(QUIET, sessions=(SessionReport("7.1", kind, "", 900),))
    assert set(seen(report)) == {source}, "a session that was not there before"
    assert set(seen(report, replace(BEFORE, moved={"7.1": 800}))) == {source}
    assert seen(report, replace(BEFORE, moved={"7.1": 900})) == {}


def test_a_program_in_a_session_without_a_terminal_is_activity_although_nothing_moves() -> None:
    report = replace(QUIET, sessions=(SessionReport("7.1", SessionKind.PROGRAM, "sleep", 900),))
    assert set(seen(report, replace(BEFORE, moved={"7.1": 900}))) == {Source.PROGRAM}


def test_a_tunnel_counts_when_it_moves_more_than_the_messages_that_keep_it_open() -> None:
    report = replace(QUIET, tunnels=(("10.0.0.9.5", 10_000),))
    assert seen(report, replace(BEFORE, tunnels={"10.0.0.9.5": 8_000})) == {}
    assert set(seen(report, replace(BEFORE, tunnels={"10.0.0.9.5": 1_000}))) == {Source.SSH}
    assert seen(report) == {}, "it is not known how long it has been there"


@pytest.mark.parametrize(("busy", "is_used"), [(5.9, False), (6.0, True), (200.0, True), (-1.0, False)])
def test_the_processor_counts_from_the_line_on(busy: float, is_used: bool) -> None:
    """60 s of a node with 2 cores: 5 % of that is 6 s. Less than before: the node was started again."""
    found = seen(replace(QUIET, processor=50 + busy))
    assert (Source.CPU in found) == is_used
    if is_used:
        assert found[Source.CPU].detail.endswith("% on head")


@pytest.mark.parametrize(("busy", "is_used"), [(53, False), (55, True)])
def test_a_program_with_one_thread_counts_on_a_node_with_many_cores(busy: float, is_used: bool) -> None:
    """Of 64 cores it uses less than 2 %."""
    found = seen(replace(QUIET, processor=50 + busy), cores=64)
    assert (Source.CPU in found) == is_used


def test_two_looks_that_follow_each_other_closely_say_nothing_of_the_processor() -> None:
    assert seen(ActivityReport(clock=101, processor=52)) == {}


def test_a_node_that_does_not_answer_counts_as_active_up_to_the_bound() -> None:
    assert idle.unanswered("head", NOW - MINUTE, NOW, POLICY) is None, "not yet too long ago"
    soon, late = NOW - 10 * MINUTE, NOW - 10 * HOUR
    assert idle.unanswered("head", soon, NOW, POLICY) == Sighting(Source.UNKNOWN, NOW, "head")
    assert idle.unanswered("head", late, NOW, POLICY) == Sighting(Source.UNKNOWN, late + 30 * MINUTE, "head")


@given(silent=spans)
def test_a_silent_node_ends_its_cluster_neither_at_once_nor_never(silent: timedelta) -> None:
    """Whenever it is asked, the limit lies between one limit, and one limit and the bound, after its last answer."""
    found = idle.unanswered("head", NOW, NOW + silent, POLICY)
    ends = idle.idle_deadline(POLICY.limit, [NOW, found.at if found else None])
    assert ends is not None
    assert NOW + HOUR <= ends.at <= NOW + 90 * MINUTE


@pytest.mark.parametrize(
    ("asked", "default", "longest", "minutes"),
    [
        (None, 60, 0, 60),
        (None, 0, 0, None),
        (30, 60, 0, 30),
        (0, 60, 0, None),
        (0, 60, 120, 120),
        (500, 60, 120, 120),
        (None, 0, 120, 120),
    ],
)
def test_a_job_chooses_within_the_administrators_policy(
    asked: int | None, default: int, longest: int, minutes: int | None
) -> None:
    expected = None if minutes is None else minutes * MINUTE
    assert idle.limit_for(asked, default, longest) == expected


@given(times=st.lists(spans, min_size=1, max_size=6), later=spans)
def test_new_activity_only_ever_moves_the_limit_later(times: list[timedelta], later: timedelta) -> None:
    first = idle.idle_deadline(HOUR, [NOW + span for span in times])
    then = idle.idle_deadline(HOUR, [*(NOW + span for span in times), NOW + later])
    assert first is not None
    assert then is not None
    assert then.at >= first.at
    assert then.at == NOW + max(*times, later) + HOUR


@given(idle_after=spans)
def test_the_earliest_limit_wins_with_its_reason(idle_after: timedelta) -> None:
    other = Deadline(NOW + idle_after, DeadlineReason.IDLE)
    found = deadline.earliest_deadline(LIFE, LIMITS, [other])
    assert found is not None
    assert found.at == min(other.at, NOW + 10 * HOUR)
    assert found.reason == (DeadlineReason.IDLE if idle_after < 10 * HOUR else DeadlineReason.WALLTIME)


@given(idle_after=spans, by=st.timedeltas(min_value=MINUTE, max_value=100 * HOUR))
def test_an_extension_holds_whatever_limit_was_the_earliest(idle_after: timedelta, by: timedelta) -> None:
    """What was asked for is what the cluster gets, within the administrator's limits, or it is refused."""
    others = [Deadline(NOW + idle_after, DeadlineReason.IDLE)]
    before = deadline.earliest_deadline(LIFE, LIMITS, others)
    assert before is not None
    try:
        after = deadline.extended(LIFE, LIMITS, NOW - MINUTE, by=by, others=others)
    except Refused as refused:
        assert refused.reason == "beyond_policy"
        assert before.at + by > NOW + 48 * HOUR
        return
    found = deadline.earliest_deadline(after, LIMITS, others)
    assert found is not None
    assert found.at >= before.at + by


def test_keep_it_running_leaves_the_walltime_as_it_is_when_that_is_later() -> None:
    others = [Deadline(NOW + HOUR, DeadlineReason.IDLE)]
    after = deadline.extended(LIFE, LIMITS, NOW, by=HOUR, others=others)
    assert after.walltime == LIFE.walltime
    found = deadline.earliest_deadline(after, LIMITS, others)
    assert found == Deadline(NOW + 2 * HOUR, DeadlineReason.IDLE)


def test_an_idle_extension_never_shortens_how_long_a_head_node_is_kept() -> None:
    kept = Life(
        Observed.COLLECTED,
        created_at=NOW,
        walltime=HOUR,
        auto_terminate=False,
        collected_at=NOW,
        extended_until=NOW + 30 * HOUR,
    )
    after = deadline.extended(kept, LIMITS, NOW, by=HOUR, others=[Deadline(NOW + HOUR, DeadlineReason.IDLE)])
    assert deadline.earliest_deadline(after, LIMITS) == Deadline(
        NOW + 30 * HOUR, DeadlineReason.KEPT_HEAD_LIMIT
    )


@pytest.mark.parametrize(("minutes", "seconds"), [(None, 60), (1, 6), (2, 12), (60, 60), (10_000, 60)])
def test_nodes_are_asked_often_enough_for_the_limit(minutes: int | None, seconds: int) -> None:
    limit = None if minutes is None else minutes * MINUTE
    assert replace(POLICY, limit=limit).interval == timedelta(seconds=seconds)

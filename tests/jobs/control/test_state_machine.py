"""The state machine, whole: what is done in every (desired, observed, event) that can be.

Two tables, one for each thing an owner can want; a column for each observed state, a row for each event. An event is
what the facts say beside "all is well". A state or an event that is new has no place here yet, and fails.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

from jobs.context.context_plan import ContextPolicy, OnError
from jobs.control.decisions import Facts, NodeFacts, Step, decide
from jobs.lifetime.deadline import DeadlineReason
from jobs.states import Desired, Observed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(hours=1)
HEAD = NodeFacts("head", "running", report="ok", verified=True, registered=True)
COMPUTE = replace(HEAD, name="compute-1")


class Event(StrEnum):
    """What can be the case of a cluster, beside where it is and what is wanted of it."""

    ALL_WELL = "all well"
    NOT_REPORTED = "a node has not reported"
    REPORTED_ERROR = "a node reported an error"
    HEAD_FAILED = "the head node failed"
    HEAD_STOPPED = "the head node stopped"
    COMPUTE_FAILED = "a compute node failed"
    COMPUTE_STOPPED = "a compute node stopped"
    FORGOTTEN = "the provider forgot it"
    BOOT_LIMIT = "the boot limit passed"
    LAUNCH_LIMIT = "the launch limit passed"
    STOP_LIMIT = "the stop limit passed"
    WALLTIME = "the walltime passed"
    LONGEST_LIFE = "the longest life passed"
    OVERRUN = "it outlived its deadline"
    HEAD_DISTRUSTED = "the head has another key"
    COMPUTE_DISTRUSTED = "a compute node did"
    TRUST_LIMIT = "and nobody looked into it"
    KEPT = "its head node is to be kept"
    KEPT_TOO_LONG = "and was kept long enough"
    HELD_WITH_FILES = "it is held and has files"
    KEPT_AND_DONE = "its kept head has new files"
    KEPT_AND_OVER = "and its time is over"
    KEPT_AND_SLOW = "and they do not come"
    KEPT_AND_GONE = "and the head node failed"
    KEPT_AND_DISTRUSTED = "and it has another key"
    FAILED = "it is marked as broken"
    FAILED_LATE = "and its command goes on"
    FAILED_GIVEN_UP = "and its files do not come"
    FAILED_HEADLESS = "and the head failed, too"
    FAILED_DISTRUSTED = "and the head has another key"
    FAILED_NO_COMMAND = "and there is no command"
    SICK_BUT_HELD = "an error, held on errors"
    SICK_BUT_GOES_ON = "an error, goes on with half"
    LEFT_OUT = "a node was left out"
    ALL_GONE = "no node is up"
    NOT_TOLD = "broken, report not stored"
    NO_COMMAND = "there is no command"
    NO_COMMAND_OVER = "and its hours are over"


SICK = replace(COMPUTE, report="error")
DISTRUSTED = replace(HEAD, distrusted=True)
OVER = {"deadline_at": NOW, "deadline_reason": DeadlineReason.WALLTIME.value}
CHANGES: dict[Event, dict[str, object]] = {
    Event.ALL_WELL: {},
    Event.NOT_REPORTED: {"nodes": (HEAD, replace(COMPUTE, state="booting", report="", verified=False))},
    Event.REPORTED_ERROR: {"nodes": (HEAD, SICK)},
    Event.HEAD_FAILED: {"nodes": (replace(HEAD, state="failed"), COMPUTE)},
    Event.HEAD_STOPPED: {"nodes": (replace(HEAD, state="stopped"), COMPUTE)},
    Event.COMPUTE_FAILED: {"nodes": (HEAD, replace(COMPUTE, state="failed"))},
    Event.COMPUTE_STOPPED: {"nodes": (HEAD, replace(COMPUTE, state="stopped"))},
    Event.FORGOTTEN: {"provider_has_it": False},
    Event.BOOT_LIMIT: {"boot_limit_at": NOW},
    Event.LAUNCH_LIMIT: {"launch_limit_at": NOW},
    Event.STOP_LIMIT: {"stop_limit_at": NOW},
    Event.WALLTIME: OVER,
    Event.LONGEST_LIFE: {**OVER, "deadline_reason": DeadlineReason.LONGEST_LIFE.value},
    Event.OVERRUN: {**OVER, "overrun_at": NOW},
    Event.HEAD_DISTRUSTED: {"nodes": (DISTRUSTED, COMPUTE)},
    Event.COMPUTE_DISTRUSTED: {"nodes": (HEAD, replace(COMPUTE, distrusted=True))},
    Event.TRUST_LIMIT: {"nodes": (DISTRUSTED, COMPUTE), "trust_limit_at": NOW},
    Event.KEPT: {"auto_terminate": False},
    Event.KEPT_TOO_LONG: {"auto_terminate": False, **OVER},
    Event.HELD_WITH_FILES: {"kept": True},
    Event.KEPT_AND_DONE: {"auto_terminate": False, "kept": True},
    Event.KEPT_AND_OVER: {"auto_terminate": False, "kept": True, **OVER},
    Event.KEPT_AND_SLOW: {"auto_terminate": False, "kept": True, **OVER, "rest_limit_at": NOW},
    Event.KEPT_AND_GONE: {**OVER, "kept": True, "nodes": (replace(HEAD, state="failed"), COMPUTE)},
    Event.KEPT_AND_DISTRUSTED: {**OVER, "kept": True, "nodes": (DISTRUSTED, COMPUTE)},
    Event.FAILED: {"failed": True},
    Event.FAILED_LATE: {"failed": True, "failure_limit_at": NOW},
    Event.FAILED_GIVEN_UP: {
        "failed": True,
        "deadline_at": NOW,
        "deadline_reason": DeadlineReason.COLLECT_LIMIT.value,
    },
    Event.FAILED_HEADLESS: {"failed": True, "nodes": (replace(HEAD, state="failed"), COMPUTE)},
    Event.FAILED_DISTRUSTED: {"failed": True, "nodes": (DISTRUSTED, COMPUTE)},
    Event.FAILED_NO_COMMAND: {"failed": True, "has_command": False},
    Event.SICK_BUT_HELD: {"nodes": (HEAD, SICK), "policy": ContextPolicy(OnError.HOLD)},
    Event.SICK_BUT_GOES_ON: {
        "nodes": (HEAD, SICK),
        "policy": ContextPolicy(OnError.CONTINUE, at_least_percent=50),
    },
    Event.LEFT_OUT: {"nodes": (HEAD, replace(COMPUTE, state="failed", report="error", left_out=True))},
    Event.ALL_GONE: {"nodes": (replace(HEAD, state="failed"), replace(COMPUTE, state="failed"))},
    Event.NOT_TOLD: {"failed": True, "reported": False},
    Event.NO_COMMAND: {"has_command": False},
    Event.NO_COMMAND_OVER: {"has_command": False, **OVER},
}
# Once all is being taken away, nothing turns that round: these two are the same for every event.
ENDING = {Observed.RELEASING: Step.WATCH_RELEASE, Observed.RELEASED: Step.NOTHING}
COLUMNS = "absent booting held ready executing executed drained collected"

WANTED = """
all well                    | provision verify     keep    launch         follow         drain   collect        release
a node has not reported     | provision watch_boot keep    launch         follow         drain   collect        release
a node reported an error    | provision fail       keep    launch         follow         drain   collect        release
the head node failed        | provision fail       keep    fail           fail           fail    fail           release
the head node stopped       | provision fail       keep    fail           fail           fail    fail           release
a compute node failed       | provision fail       keep    fail           fail           drain   collect        release
a compute node stopped      | provision fail       keep    fail           fail           drain   collect        release
the provider forgot it      | provision fail       release fail           fail           fail    fail           release
the boot limit passed       | provision fail       keep    launch         follow         drain   collect        release
the launch limit passed     | provision verify     keep    fail           follow         drain   collect        release
the stop limit passed       | provision verify     keep    launch         follow         drain   collect        release
the walltime passed         | fail      fail       release fail           stop_command   give_up give_up        release
the longest life passed     | fail      fail       release fail           stop_command   give_up give_up        release
it outlived its deadline    | fail      fail       release fail           abandon        give_up give_up        release
the head has another key    | provision fail       keep    wait_for_trust wait_for_trust drain   wait_for_trust release
a compute node did          | provision fail       keep    launch         follow         drain   collect        release
and nobody looked into it   | provision fail       keep    fail           fail           drain   fail           release
its head node is to be kept | provision verify     keep    launch         follow         drain   collect        keep
and was kept long enough    | fail      fail       release fail           stop_command   give_up give_up        release
it is held and has files    | provision verify     keep    launch         follow         drain   collect   collect_rest
its kept head has new files | provision verify     keep    launch         follow         drain   collect        keep
and its time is over        | fail      fail       collect_rest fail      stop_command   give_up give_up   collect_rest
and they do not come        | fail      fail       release fail           stop_command   give_up give_up        release
and the head node failed    | fail      fail       release fail           fail           fail    fail           release
and it has another key      | fail      fail       release wait_for_trust fail           give_up wait_for_trust release
it is marked as broken      | release   release    keep    release        stop_command   drain   collect        release
and its command goes on     | release   release    keep    release        abandon        drain   collect        release
and its files do not come   | release   release    release release        stop_command   give_up give_up        release
and the head failed, too    | release   release    keep    release        release        release release        release
and the head has another key | release  release    keep    release        release        release release        release
and there is no command     | release   release    keep    release        close          drain   collect        release
an error, held on errors    | provision hold       keep    launch         follow         drain   collect        release
an error, goes on with half | provision leave_out  keep    launch         follow         drain   collect        release
a node was left out         | provision verify     keep    launch         follow         drain   collect        release
no node is up               | provision fail       release fail           fail           fail    fail           release
broken, report not stored   | report    report     keep    report         stop_command   report  collect        report
there is no command         | provision verify     keep    launch         stand_by       drain   collect        release
and its hours are over      | fail      fail       release fail           close          give_up give_up        release
"""

NOT_WANTED = """
all well                    | release   release    release skip_command   stop_command   drain   collect        release
a node has not reported     | release   release    release skip_command   stop_command   drain   collect        release
a node reported an error    | release   release    release skip_command   stop_command   drain   collect        release
the head node failed        | release   release    release skip_command   fail           fail    fail           release
the head node stopped       | release   release    release skip_command   fail           fail    fail           release
a compute node failed       | release   release    release skip_command   fail           drain   collect        release
a compute node stopped      | release   release    release skip_command   fail           drain   collect        release
the provider forgot it      | release   release    release skip_command   fail           fail    fail           release
the boot limit passed       | release   release    release skip_command   stop_command   drain   collect        release
the launch limit passed     | release   release    release skip_command   stop_command   drain   collect        release
the stop limit passed       | release   release    release skip_command   abandon        drain   collect        release
the walltime passed         | release   release    release skip_command   stop_command   give_up give_up        release
the longest life passed     | release   release    release skip_command   stop_command   give_up give_up        release
it outlived its deadline    | release   release    release skip_command   stop_command   give_up give_up        release
the head has another key    | release   release    release release        release        drain   release        release
a compute node did          | release   release    release skip_command   stop_command   drain   collect        release
and nobody looked into it   | release   release    release release        release        drain   release        release
its head node is to be kept | release   release    release skip_command   stop_command   drain   collect        release
and was kept long enough    | release   release    release skip_command   stop_command   give_up give_up        release
it is held and has files    | release   release    collect_rest skip_command stop_command drain collect   collect_rest
its kept head has new files | release   release    collect_rest skip_command stop_command drain   collect   collect_rest
and its time is over        | release   release    collect_rest skip_command stop_command give_up give_up   collect_rest
and they do not come        | release   release    release skip_command   stop_command   give_up give_up        release
and the head node failed    | release   release    release skip_command   fail           fail    fail           release
and it has another key      | release   release    release release        release        give_up release        release
it is marked as broken      | release   release    release release        stop_command   drain   collect        release
and its command goes on     | release   release    release release        abandon        drain   collect        release
and its files do not come   | release   release    release release        stop_command   give_up give_up        release
and the head failed, too    | release   release    release release        release        release release        release
and the head has another key | release  release    release release        release        release release        release
and there is no command     | release   release    release release        close          drain   collect        release
an error, held on errors    | release   release    release skip_command   stop_command   drain   collect        release
an error, goes on with half | release   release    release skip_command   stop_command   drain   collect        release
a node was left out         | release   release    release skip_command   stop_command   drain   collect        release
no node is up               | release   release    release skip_command   fail           fail    fail           release
broken, report not stored   | report    report     report  report         stop_command   report  collect        report
there is no command         | release   release    release skip_command   close          drain   collect        release
and its hours are over      | release   release    release skip_command   close          give_up give_up        release
"""
TABLES = {Desired.RUNNING: WANTED, Desired.STOPPED: NOT_WANTED}


def rows(table: str) -> dict[Event, dict[Observed, Step]]:
    """A table as it is read: by event, by observed state."""
    columns = [Observed(word) for word in COLUMNS.split()]
    found = {}
    for line in table.strip().splitlines():
        event, _, steps = line.partition("|")
        found[Event(event.strip())] = dict(zip(columns, map(Step, steps.split()), strict=True)) | ENDING
    return found


def facts(desired: Desired, observed: Observed, event: Event) -> Facts:
    """All is well with a cluster of two nodes, but for the event."""
    well = Facts(
        desired,
        observed,
        NOW,
        nodes=(HEAD, COMPUTE),
        boot_limit_at=LATER,
        deadline_at=LATER,
        deadline_reason=DeadlineReason.WALLTIME.value,
        launch_limit_at=LATER,
        stop_limit_at=SOON,
        overrun_at=LATER,
        trust_limit_at=LATER,
    )
    return replace(well, **CHANGES[event])  # type: ignore[arg-type]  # fields by name


def test_the_tables_have_a_place_for_everything_that_can_be() -> None:
    assert set(CHANGES) == set(Event)
    assert set(TABLES) == set(Desired)
    for table in TABLES.values():
        read = rows(table)
        assert set(read) == set(Event)
        assert all(set(columns) == set(Observed) for columns in read.values())


@pytest.mark.parametrize("desired", Desired)
@pytest.mark.parametrize("event", Event)
def test_every_pair_and_event_has_its_step(desired: Desired, event: Event) -> None:
    expected = rows(TABLES[desired])[event]
    decided = {observed: decide(facts(desired, observed, event)).step for observed in Observed}
    assert decided == expected


def test_every_step_is_reached_from_somewhere() -> None:
    reached = {
        step for table in TABLES.values() for columns in rows(table).values() for step in columns.values()
    }
    assert reached == set(Step)


@pytest.mark.parametrize("desired", Desired)
@pytest.mark.parametrize("observed", Observed)
def test_what_depends_on_the_deadline_says_so(desired: Desired, observed: Observed) -> None:
    """So that an extension in the last moment is never too late by a thought."""
    kept = facts(desired, observed, Event.KEPT)
    before, after = decide(kept), decide(replace(kept, deadline_at=NOW))
    assert not before.by_deadline
    assert after.by_deadline == (before.step != after.step)

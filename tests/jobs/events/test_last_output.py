"""The end of a command's output, as its owner is told of it: what the program printed, nothing around it."""

import pytest

from accounts.models import User
from jobs.events import job_log
from jobs.events.last_output import LINES, LONGEST_LINE, last_lines
from jobs.models import Job
from jobs.states import LogSource
from tests.jobs.making import saved_job

pytestmark = pytest.mark.django_db
STAMP = "[2026-11-28T07:55:45Z]: "
HEAD = f"{STAMP}Launching ./mesh --fine, Working dir: /enc/x/work/shared.  Process output follows:"


def job_that_printed(owner: User, *lines: str) -> Job:
    job = saved_job(owner)
    for line in lines:
        job_log.append(job, LogSource.PROGRAM, line)
    return job


def test_the_portals_own_lines_and_stamps_are_left_out(alice: User) -> None:
    end = f"{STAMP}Exited with code 3"
    job = job_that_printed(alice, HEAD, f"{STAMP}reading mesh", f"{STAMP}ERROR: mesh has holes", end)
    job_log.append(job, LogSource.PORTAL, "Storing output files.")
    assert last_lines(job) == ["reading mesh", "ERROR: mesh has holes"]


def test_a_command_that_printed_nothing_has_no_lines(alice: User) -> None:
    assert last_lines(job_that_printed(alice, HEAD, f"{STAMP}", f"{STAMP}Exited with code 1")) == []


def test_a_command_that_could_not_be_started_says_why(alice: User) -> None:
    assert last_lines(job_that_printed(alice, HEAD, f"{STAMP}Could not start: no memory")) == [
        "Could not start: no memory"
    ]


def test_what_a_program_prints_itself_stays(alice: User) -> None:
    """A stamp or a sentence like the portal's own, printed by the program, comes after the portal's stamp."""
    job = job_that_printed(alice, f"{STAMP}{STAMP}solving", "Exited with code 9")
    assert last_lines(job) == [f"{STAMP}solving", "Exited with code 9"]


def test_few_short_lines_without_colours(alice: User) -> None:
    lines = [f"{STAMP}\x1b[31mline {number}\x1b[0m" for number in range(9)]
    job = job_that_printed(alice, *lines, STAMP + "x" * 5000)
    assert last_lines(job) == ["line 7", "line 8", "x" * LONGEST_LINE]
    assert len(last_lines(job)) == LINES

"""Two writers of one Job Log: the second waits for the first, on PostgreSQL too."""

import pytest

from accounts.models import User
from jobs.events import job_log
from jobs.models import Job
from jobs.states import LogSource
from tests.interleaving import Rival, before_query
from tests.jobs.making import saved_job


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_number_is_taken_and_written_in_one_step(alice: User) -> None:
    """The rival begins as soon as this thread has read or taken a number, before its event is stored."""
    job = saved_job(alice)
    rival = Rival(lambda: job_log.append(Job.objects.get(pk=job.pk), LogSource.PORTAL, "rival"))
    with before_query(lambda sql: 'INSERT INTO "jobs_jobevent"' in sql, rival.start) as happened:
        job_log.append(job, LogSource.PORTAL, "mine")
    rival.finish()
    assert happened
    assert [(event.sequence, event.message) for event in job_log.read_page(job)] == [
        (1, "mine"),
        (2, "rival"),
    ]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_nobody_comes_between_reading_and_taking_a_number(alice: User) -> None:
    """The rival begins before this thread's first write: whoever had read a number by then would take it twice."""
    job = saved_job(alice)
    rival = Rival(lambda: job_log.append(Job.objects.get(pk=job.pk), LogSource.PORTAL, "rival"))
    with before_query(lambda sql: sql.startswith('UPDATE "jobs_job"'), rival.start) as happened:
        job_log.append(job, LogSource.PORTAL, "mine")
    rival.finish()
    assert happened
    events = job_log.read_page(job)
    assert [event.sequence for event in events] == [1, 2]
    assert {event.message for event in events} == {"mine", "rival"}

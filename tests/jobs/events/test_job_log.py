"""The Job Log's sequence: 1, 2, 3... whoever writes, without holes or doubles."""

import threading

import pytest
from django.db import connection, transaction

from accounts.models import User
from jobs.events import job_log
from jobs.models import JobEvent
from jobs.states import LogSource
from tests.jobs.making import saved_job


@pytest.mark.django_db
def test_sequences_count_from_one_for_each_job(alice: User) -> None:
    one, other = saved_job(alice), saved_job(alice)
    for _ in range(3):
        job_log.append(one, LogSource.PORTAL, "x")
    job_log.append(other, LogSource.PORTAL, "y")
    assert [event.sequence for event in job_log.read_page(one)] == [1, 2, 3]
    assert [event.sequence for event in job_log.read_page(other)] == [1]
    assert [event.sequence for event in job_log.read_page(one, after=1, limit=1)] == [2]


@pytest.mark.django_db
def test_a_transaction_that_fails_takes_its_number_back(alice: User) -> None:
    job = saved_job(alice)
    with pytest.raises(RuntimeError), transaction.atomic():
        job_log.append(job, LogSource.PORTAL, "never happened")
        raise RuntimeError
    job_log.append(job, LogSource.PORTAL, "first")
    assert [event.sequence for event in job_log.read_page(job)] == [1]


@pytest.mark.django_db
def test_odd_text_is_kept_readable(alice: User) -> None:
    job = saved_job(alice)
    event = job_log.append(job, LogSource.PROGRAM, "a\0b 日本 \x1b[31mred" + "x" * 10_000)
    kept = JobEvent.objects.get(pk=event.pk).message
    assert "\0" not in kept
    assert kept.startswith("a\N{SYMBOL FOR NULL}b 日本 \x1b[31mred")
    assert len(kept) == job_log.MAX_MESSAGE


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_leave_no_hole(alice: User) -> None:
    job = saved_job(alice)

    def write() -> None:
        try:
            for _ in range(10):
                job_log.append(job, LogSource.PORTAL, "x")
        finally:
            connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [event.sequence for event in job_log.read_page(job)] == list(range(1, 41))

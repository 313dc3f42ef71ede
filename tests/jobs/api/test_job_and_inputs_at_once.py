"""A job is created with its input files or not at all."""

import copy
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs.models import Job, StoredFile
from jobs.storage import job_inputs
from tests.api import client_of
from tests.factories import StoredFileFactory
from tests.interleaving import before_query
from tests.jobs.api.test_jobs import BODY, URL


def body_with(file: StoredFile) -> dict[str, Any]:
    body = copy.deepcopy(BODY)
    body["jobanalyses"][0]["inputFiles"] = [{"id": file.pk}]
    return body


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_deleted_meanwhile_leaves_no_job_behind(alice: User) -> None:
    file = StoredFileFactory.create(owner=alice)
    body = body_with(file)
    with before_query(
        lambda sql: 'INSERT INTO "jobs_job"' in sql, lambda: StoredFile.objects.filter(pk=file.pk).delete()
    ) as happened:
        answer = client_of(alice).post(URL, body, format="json")
    assert happened
    assert (answer.status_code, answer.json()["reason"]) == (400, "file_unknown")
    assert not Job.objects.exists()
    assert not AuditEvent.objects.filter(action="jobs:job:created").exists()


@pytest.mark.django_db
def test_a_job_whose_files_cannot_be_attached_is_not_there(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(job: Job, inputs: object) -> None:
        assert Job.objects.filter(pk=job.pk).exists()
        raise Refused("storage_failed", "Not now.", status=409)

    file = StoredFileFactory.create(owner=alice)
    monkeypatch.setattr(job_inputs, "attach_inputs", refuse)
    assert client_of(alice).post(URL, body_with(file), format="json").status_code == 409
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_job_has_its_files_from_the_first_moment(alice: User) -> None:
    file = StoredFileFactory.create(owner=alice)
    answer = client_of(alice).post(URL, body_with(file), format="json")
    assert answer.status_code == 201
    assert [wanted.file_id for wanted in Job.objects.get().inputs.all()] == [file.pk]

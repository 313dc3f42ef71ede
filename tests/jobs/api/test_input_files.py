"""The input files of a job that is changed: a list that is given replaces them, no list leaves them."""

import copy
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from jobs.models import Job
from jobs.storage.job_inputs import InputDraft, attach_inputs
from jobs.submission import job_actions
from tests.api import client_of
from tests.factories import StoredFileFactory
from tests.jobs.making import actor, saved_job

pytestmark = pytest.mark.django_db
URL = "/api/v2/jobs/"
HARDWARE = {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": 1}
ANALYSIS = {
    "analysis": {"code": "user_included", "version": "0"},
    "command": "hostname",
    "hardware": HARDWARE,
}


@pytest.fixture
def job(alice: User) -> Job:
    """A saved job with two input files."""
    found = saved_job(alice)
    attach_inputs(found, [InputDraft(StoredFileFactory.create(owner=alice).pk) for _ in range(2)])
    return found


def inputs_of(job: Job) -> list[tuple[str, bool]]:
    return list(job.inputs.values_list("file_id", "decompress"))


def send(job: Job, method: str, **analysis: Any) -> Any:
    body = {"name": "cavity", "jobanalyses": [{**copy.deepcopy(ANALYSIS), **analysis}]}
    return getattr(client_of(job.owner), method)(f"{URL}{job.pk}/", body, format="json")


@pytest.mark.parametrize("method", ["patch", "put"])
def test_an_empty_list_takes_them_all_away(job: Job, method: str) -> None:
    answer = send(job, method, inputFiles=[])

    assert answer.status_code == 200
    assert answer.json()["jobanalyses"][0]["inputFiles"] == []
    assert inputs_of(job) == []
    assert AuditEvent.objects.get(action="jobs:job:edited").after == {"input_files": []}


@pytest.mark.parametrize("method", ["patch", "put"])
@pytest.mark.parametrize("said", [{}, {"inputFiles": None}])
def test_no_list_leaves_them(job: Job, method: str, said: dict[str, Any]) -> None:
    before = inputs_of(job)

    assert send(job, method, command="date", **said).status_code == 200
    assert inputs_of(job) == before


def test_another_list_replaces_them_in_its_order(job: Job) -> None:
    (one, _), (two, _) = inputs_of(job)
    send(job, "patch", inputFiles=[{"id": two, "decompress": False}, {"id": one}])

    assert inputs_of(job) == [(two, False), (one, True)]


def test_what_is_refused_changes_no_file(job: Job) -> None:
    before = inputs_of(job)

    assert send(job, "put", inputFiles=[], hardware={**HARDWARE, "coresPerSlot": 3}).status_code == 400
    assert inputs_of(job) == before


@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_submitted_job_keeps_its_files(job: Job, method: str) -> None:
    job_actions.submit_job(actor(job.owner), job)
    before = inputs_of(job)
    other = StoredFileFactory.create(owner=job.owner).pk
    for files_said in ([], [{"id": other}]):
        answer = send(job, method, inputFiles=files_said)
        assert (answer.status_code, answer.json()["reason"]) == (409, "already_submitted")
    assert inputs_of(job) == before


def test_a_submitted_job_may_be_told_the_files_it_has(job: Job) -> None:
    job_actions.submit_job(actor(job.owner), job)
    same = [{"id": file_id, "decompress": unpack} for file_id, unpack in inputs_of(job)]
    body = {"name": "renamed", "jobanalyses": [{**ANALYSIS, "inputFiles": same}]}
    answer = client_of(job.owner).put(f"{URL}{job.pk}/", body, format="json")

    assert (answer.status_code, answer.json()["name"]) == (200, "renamed")


def _file(user: User, path: str) -> str:
    return StoredFileFactory.create(owner=user, name=path.rpartition("/")[2], relative_path=path).pk


def test_files_of_one_name_in_different_folders(job: Job, alice: User) -> None:
    wanted = [{"id": _file(alice, path)} for path in ("case/0/U", "case/1/U", "U")]

    assert send(job, "patch", inputFiles=wanted).status_code == 200


@pytest.mark.parametrize("paths", [["case/U", "case/U"], ["case/0", "case/0/U"]])
def test_files_that_want_one_place_are_refused(job: Job, alice: User, paths: list[str]) -> None:
    answer = send(job, "patch", inputFiles=[{"id": _file(alice, path)} for path in paths])

    assert answer.status_code == 400
    assert "file_name_twice" in answer.content.decode()

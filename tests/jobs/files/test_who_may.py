"""Who may do what with a job's files, before, during and after the run: the owner, and nobody else."""

import json
import os
from typing import Any

import pytest

from accounts.models import AccessRule, User
from jobs.models import Job, JobInput
from jobs.states import Observed
from tests.factories import StoredFileFactory
from tests.jobs.files.conftest import Files, Run

pytestmark = pytest.mark.django_db(transaction=True)
VERBS: list[tuple[str, str, str]] = [
    ("GET", "tree", ""),
    ("POST", "tree", json.dumps({"path": "new"})),
    ("GET", "tree/content", ""),
    ("GET", "archive", ""),
    ("PUT", "tree/content", "x"),
    ("PATCH", "tree/content", json.dumps({"newPath": "moved"})),
    ("DELETE", "tree/content", ""),
]
TIMES = {"before": Observed.BOOTING, "during": Observed.EXECUTING, "after": Observed.RELEASED}


def path_for(what: str, verb: str) -> dict[str, str]:
    return {} if what == "tree" else {"path": "shared/a"}


def prepared(run: Run, time: str) -> None:
    """Put a file `shared/a` where the job's files are at this time."""
    (run.work / "shared/a").write_text("content")
    file = StoredFileFactory.create(owner=run.job.owner, name="a", relative_path="a")
    JobInput.objects.create(job=run.job, file=file)
    run.store(b"shared/a", b"content")
    run.move_to(TIMES[time])


def finished(answer: Any) -> int:
    if answer.streaming:
        list(answer.streaming_content)
    return int(answer.status_code)


@pytest.mark.parametrize("time", TIMES)
def test_the_owner_reads_always_and_writes_during(run: Run, files: Files, time: str) -> None:
    prepared(run, time)
    places = {"before": "inputs", "during": "node", "after": "storage"}
    answer = files.ask("GET", "tree", path="shared").json()
    assert answer["place"] == places[time]
    assert [entry["path"] for entry in answer["entries"]] == ["shared/a"]
    for verb, what, body in VERBS:
        code = finished(files.ask(verb, what, body, **path_for(what, verb)))
        if verb == "GET":
            assert code == 200, (verb, what)
        elif time == "during":
            # PATCH moved the file, so that DELETE finds none.
            assert code in ((200, 201, 204) if verb != "DELETE" else (404,)), (verb, what)
        else:
            assert code == 409, (verb, what)


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("who", ["charlie", "admin"])
def test_others_and_administrators_find_no_such_job(
    run: Run, time: str, who: str, request: pytest.FixtureRequest
) -> None:
    prepared(run, time)
    person: User = request.getfixturevalue(who)
    theirs = Files(person, run.job)
    for verb, what, body in VERBS:
        assert finished(theirs.ask(verb, what, body, **path_for(what, verb))) == 404, (verb, what)
    assert (run.work / "shared/a").read_text() == "content"


def test_without_a_rule_for_the_address_the_node_is_closed_as_it_is_to_a_terminal(
    run: Run, files: Files
) -> None:
    prepared(run, "during")
    AccessRule.objects.all().delete()
    for verb, what, body in VERBS:
        answer = files.ask(verb, what, body, **path_for(what, verb))
        assert (answer.status_code, answer.json()["reason"]) == (403, "cidr_denied"), (verb, what)


@pytest.mark.parametrize("what", ["tree/content", "archive"])
def test_access_that_is_withdrawn_ends_a_download(
    run: Run, files: Files, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    (run.work / "big").write_bytes(os.urandom(8_000_000))
    monkeypatch.setattr("jobs.files.job_folder.CHECK_SECONDS", 0.0)
    answer = files.ask("GET", what, path="big")
    chunks = iter(answer.streaming_content)
    got = len(next(chunks))
    AccessRule.objects.all().delete()
    with pytest.raises(Exception, match="no access rule"):
        for chunk in chunks:
            got += len(chunk)
    answer.close()
    assert got < 8_000_000


def test_another_persons_job_is_not_reached_through_ones_own(run: Run, files: Files, charlie: User) -> None:
    """The node and the path are below the job in the address; nothing in the query names another job."""
    other = Job.objects.create(
        owner=charlie,
        name="x",
        core_type=run.job.core_type,
        cores_per_slot=1,
        slots=1,
        walltime=run.job.walltime,
    )
    assert Files(charlie, other).ask("GET", "tree", node="head").json()["entries"] == []
    assert files.ask("GET", "tree", node="../head").status_code == 404
    assert files.ask("GET", "tree", node="compute-9").status_code == 404

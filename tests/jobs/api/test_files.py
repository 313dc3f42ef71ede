"""Files over the REST API: up, down, in part, away."""

import hashlib
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.audit.trail import Actor
from accounts.models import AuditEvent, User
from jobs.api import ranges
from jobs.models import Job, JobInput, StoredFile
from jobs.storage import file_names
from jobs.storage.job_inputs import InputDraft, attach_inputs
from jobs.submission import job_actions
from tests.api import client_of
from tests.factories import ClusterFactory, JobFactory, StoredFileFactory

pytestmark = pytest.mark.django_db
URL = "/api/v2/files/"
CONTENT = bytes(range(256)) * 8


def _upload(user: User, name: str = "case.zip", content: bytes = CONTENT, method: str = "post") -> Any:
    send = getattr(client_of(user), method)
    return send(f"{URL}contents/", {"file": SimpleUploadedFile(name, content)}, format="multipart")


def _download(user: User, file_id: str, **headers: str) -> Any:
    answer: Any = client_of(user).get(f"{URL}{file_id}/contents/", headers=headers)
    answer.body = answer.getvalue()
    return answer


@pytest.mark.parametrize("method", ["post", "put"])
def test_what_goes_up_comes_down(alice: User, method: str) -> None:
    answer = _upload(alice, method=method)

    assert answer.status_code == 201
    file = answer.json()
    assert (file["name"], file["typeId"], file["decryptedSize"]) == ("case.zip", 1, len(CONTENT))
    assert file["fileChecksums"][0] == {
        "hashFunction": "SHA-512",
        "fileHash": hashlib.sha512(CONTENT).hexdigest(),
    }
    assert file["isUploaded"] is True
    assert file["downloadUrl"] == f"http://testserver{URL}{file['id']}/contents/"
    down = _download(alice, file["id"])
    assert down.body == CONTENT
    assert down["Content-Length"] == str(len(CONTENT))
    assert down["Content-Disposition"] == 'attachment; filename="case.zip"'
    assert AuditEvent.objects.filter(action="jobs:file:uploaded").count() == 1


def test_an_empty_file_is_a_file(alice: User) -> None:
    file_id = _upload(alice, content=b"").json()["id"]

    assert _download(alice, file_id).body == b""


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("データ.txt", "データ.txt"),
        ("入力　データ.txt", "入力　データ.txt"),
        ("mesh&notes.txt", "mesh&notes.txt"),
        ("&lt;x&gt;&#65;.txt", "&lt;x&gt;&#65;.txt"),
        ("👩‍🚀 \u202e\u00a0.txt", "👩‍🚀 \u202e\u00a0.txt"),
        (" blanks around ", " blanks around "),
        ("-rf", "-rf"),
        ("it's %22quoted%22%0A.txt", 'it\'s "quoted"\n.txt'),
        ("100%41.txt", "100%41.txt"),
        ("x" * 255, "x" * 255),
        ("語" * 85, "語" * 85),
    ],
)
def test_a_name_is_only_a_name(alice: User, name: str, kept: str) -> None:
    answer = _upload(alice, name=name)

    assert answer.json()["name"] == kept
    assert "/" not in kept
    file = StoredFile.objects.get()
    assert file.file.name == f"{file.pk[:2]}/{file.pk}"


@pytest.mark.parametrize("name", ["x" * 256, "語" * 86, "..", "a/b", "a%00b"])
def test_a_name_that_no_node_can_have_is_refused_with_a_sentence(alice: User, name: str) -> None:
    form = {"file": SimpleUploadedFile("x", CONTENT), "encodedName": name}
    answer = client_of(alice).post(f"{URL}contents/", form, format="multipart")
    assert (answer.status_code, answer.json()["reason"]) == (400, "file_name_invalid")
    assert "A file's name may" in answer.json()["file"][0]
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(
    ("raw", "shown", "header"),
    [
        (b"a\xff%.dat", "a%FF%25.dat", "a%25FF%2525.dat"),
        ("日本.txt".encode("shift_jis"), "%93%FA%96{.txt", "%2593%25FA%2596%7B.txt"),
        (b'a\\b"%22\n.txt', 'a\\b"%22\n.txt', "a%5Cb%22%2522%0A.txt"),
    ],
)
def test_a_name_is_told_byte_for_byte_in_a_field_of_its_own(
    alice: User, raw: bytes, shown: str, header: str
) -> None:
    form = {"file": SimpleUploadedFile("x", CONTENT), "encodedName": quote_from_bytes(raw)}
    answer = client_of(alice).post(f"{URL}contents/", form, format="multipart")
    assert (answer.status_code, answer.json()["name"]) == (201, shown)
    file = StoredFile.objects.get()
    assert file_names.to_bytes(file.name, file.is_escaped) == raw
    assert answer.json()["isEscaped"] is (b"\n" not in raw)
    assert _download(alice, file.pk)["Content-Disposition"].endswith(f"filename*=UTF-8''{header}")


def test_two_inputs_of_one_name_are_refused(alice: User) -> None:
    files = [_upload(alice, name="mesh.dat", content=content).json() for content in (b"1", b"2")]
    analysis = {
        "analysis": {"code": "user_included", "version": "0"},
        "command": "true",
        "hardware": {"coreType": "emerald", "coresPerSlot": 1, "slots": 1},
        "inputFiles": [{"id": file["id"]} for file in files],
    }
    answer = client_of(alice).post("/api/v2/jobs/", {"name": "x", "jobanalyses": [analysis]}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (400, "file_name_twice")
    assert "mesh.dat" in str(answer.json())
    assert not Job.objects.exists()


def test_a_form_without_file_is_refused(alice: User) -> None:
    answer = client_of(alice).post(f"{URL}contents/", {"other": "x"}, format="multipart")

    assert answer.status_code == 400
    assert "file" in answer.json()


def test_json_is_no_upload(alice: User) -> None:
    assert client_of(alice).post(f"{URL}contents/", {"file": "x"}, format="json").status_code == 415


def test_a_file_over_the_limit_is_413(alice: User, settings: Settings) -> None:
    settings.HEADNODE_MAX_UPLOAD_MB = 0

    assert _upload(alice).status_code == 413
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(
    ("header", "code", "part"),
    [
        ("bytes=0-9", 206, CONTENT[:10]),
        ("bytes=2040-", 206, CONTENT[2040:]),
        ("bytes=-5", 206, CONTENT[-5:]),
        ("bytes=2000-99999", 206, CONTENT[2000:]),
        ("bytes=2048-", 416, b""),
        ("bytes=0-1,4-5", 200, CONTENT),
        ("pages=1-2", 200, CONTENT),
        ("bytes=5-2", 200, CONTENT),
    ],
)
def test_a_part_of_it(alice: User, header: str, code: int, part: bytes) -> None:
    file = StoredFileFactory.create(owner=alice, content=CONTENT)
    answer = _download(alice, file.pk, Range=header)

    assert (answer.status_code, answer.body) == (code, part)
    if code == 206:
        first = CONTENT.index(part) if part != CONTENT[-5:] else len(CONTENT) - 5
        assert answer["Content-Range"].startswith("bytes ")
        assert answer["Content-Range"].endswith(f"/{len(CONTENT)}")
        assert int(answer["Content-Length"]) == len(part)
        assert first >= 0


def test_a_part_of_something_that_changed_is_the_whole(alice: User) -> None:
    file = StoredFileFactory.create(owner=alice, content=CONTENT)
    same = {"Range": "bytes=0-9", "If-Range": f'"{file.sha512}"'}

    assert _download(alice, file.pk, **same).status_code == 206
    assert _download(alice, file.pk, **{**same, "If-Range": '"other"'}).status_code == 200


@pytest.mark.parametrize("size", [0, 1, 10])
def test_no_range_reads_outside_the_file(size: int) -> None:
    for first in ["", *map(str, range(12))]:
        for last in ["", *map(str, range(12))]:
            try:
                found = ranges.parse_range(f"bytes={first}-{last}", size)
            except ranges.Unsatisfiable:
                continue
            assert found is None or 0 <= found[0] <= found[1] < size


def test_as_lines(alice: User) -> None:
    file = StoredFileFactory.create(owner=alice, content="eins\nzwei\r\n\xe4\n".encode() + b"\xff\n")

    assert client_of(alice).get(f"{URL}{file.pk}/lines/").json() == {
        "lines": ["eins\n", "zwei\r\n", "ä\n", "\N{REPLACEMENT CHARACTER}\n"],
        "truncated": False,
    }


def test_content_that_storage_lost_is_404_and_said(alice: User) -> None:
    file = StoredFileFactory.create(owner=alice)
    assert file.file.name is not None
    file.file.storage.delete(file.file.name)
    answer = client_of(alice).get(f"{URL}{file.pk}/contents/")

    assert (answer.status_code, answer.json()["reason"]) == (404, "file_missing")


def test_deleting_removes_row_and_bytes(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    file = StoredFileFactory.create(owner=alice)
    path = file.file.path
    with django_capture_on_commit_callbacks(execute=True):
        assert client_of(alice).delete(f"{URL}{file.pk}/").status_code == 204

    assert not StoredFile.objects.exists()
    assert not file.file.storage.exists(path)


def test_what_a_submitted_job_begins_with_stays(alice: User) -> None:
    file = StoredFileFactory.create(owner=alice)
    job = JobFactory.create(owner=alice, name="cavity")
    attach_inputs(job, [InputDraft(file.pk)])
    job_actions.submit_job(Actor(alice), job)
    answer = client_of(alice).delete(f"{URL}{file.pk}/")

    assert (answer.status_code, answer.json()["reason"]) == (409, "file_in_use")
    assert "cavity" in answer.json()["detail"]
    assert job.pk in answer.json()["detail"]
    assert job.inputs.count() == 1
    Job.objects.update(completed_at=timezone.now())
    assert client_of(alice).delete(f"{URL}{file.pk}/").status_code == 204


def test_what_a_saved_job_begins_with_may_go(alice: User) -> None:
    file = StoredFileFactory.create(owner=alice)
    attach_inputs(JobFactory.create(owner=alice), [InputDraft(file.pk)])

    assert client_of(alice).delete(f"{URL}{file.pk}/").status_code == 204


def test_the_files_of_a_job_and_of_its_run(alice: User) -> None:
    cluster = ClusterFactory.create(job__owner=alice)
    StoredFileFactory.create(owner=alice)
    StoredFileFactory.create(owner=alice, job=cluster.job, relative_path="shared/out.txt", content=b"1234")
    StoredFileFactory.create(owner=alice, job=cluster.job, relative_path="process_output.log")
    client = client_of(alice)
    base = f"/api/v2/jobs/{cluster.job_id}/"

    assert client.get(URL).json()["count"] == 3
    assert {file["relativePath"] for file in client.get(f"{base}files/").json()["results"]} == {
        "shared/out.txt",
        "process_output.log",
    }
    [found] = client.get(f"{base}files/?search=process").json()["results"]
    assert (found["relativePath"], found["typeId"]) == ("process_output.log", 5)
    assert client.get(f"{base}runs/1/files/").json()["count"] == 2
    [run] = client.get(f"{base}runs/").json()["results"]
    assert (run["id"], run["outputFileCount"], run["dateCompleted"]) == ("1", 2, None)
    assert client.get(f"{base}runs/1/").json() == run
    assert client.get(f"{base}runs/2/").status_code == 404


def test_a_job_that_has_not_started_has_no_run(alice: User) -> None:
    cluster = ClusterFactory.create(job__owner=alice, executing_at=None)
    client = client_of(alice)

    assert client.get(f"/api/v2/jobs/{cluster.job_id}/runs/").json()["results"] == []
    assert client.get(f"/api/v2/jobs/{cluster.job_id}/runs/1/").status_code == 404
    assert connection.in_atomic_block


@pytest.mark.parametrize("form", [{"typeId": "4"}, {"type_id": "4"}])
def test_the_type_of_an_upload_is_kept_and_can_be_changed(alice: User, form: dict[str, str]) -> None:
    client = client_of(alice)
    answer = client.post("/api/v2/files/contents/", {"file": SimpleUploadedFile("a.sh", b"true\n"), **form})
    assert (answer.status_code, answer.json()["typeId"]) == (201, 4)
    assert answer.json()["md5"] == hashlib.md5(b"true\n", usedforsecurity=False).hexdigest()

    path = f"/api/v2/files/{answer.json()['id']}/"
    changed = client.patch(path, {"typeId": 2, "name": "b.sh"}, format="json")
    assert (changed.status_code, changed.json()["typeId"], changed.json()["name"]) == (200, 2, "b.sh")
    assert client.get(path).json() == changed.json()


def test_the_type_in_the_header_of_the_part_counts(alice: User) -> None:
    """As Rescale's own program sends it: `Content-Type: {'type_id': 3}`."""
    part = SimpleUploadedFile("a.csv", b"1,2\n", content_type="{'type_id': 3}")
    answer = client_of(alice).post("/api/v2/files/contents/", {"file": part})

    assert (answer.status_code, answer.json()["typeId"]) == (201, 3)


@pytest.mark.parametrize("wrong", ["5", "99", "x", "-1"])
def test_a_type_that_uploads_cannot_have_is_refused(alice: User, wrong: str) -> None:
    form = {"file": SimpleUploadedFile("a", b""), "typeId": wrong}
    answer = client_of(alice).post("/api/v2/files/contents/", form)

    assert answer.status_code == 400
    assert isinstance(answer.json()["typeId"][0], str)


def test_only_ones_own_files_change(alice: User, charlie: User) -> None:
    file = StoredFileFactory.create(owner=alice)
    answer = client_of(charlie).patch(f"/api/v2/files/{file.pk}/", {"name": "x"}, format="json")

    assert answer.status_code == 404


def test_the_file_of_a_job_under_way_and_its_outputs_keep_their_names(alice: User) -> None:
    job = JobFactory.create(owner=alice, submitted=True)
    used, output = StoredFileFactory.create(owner=alice), StoredFileFactory.create(owner=alice, job=job)
    JobInput.objects.create(job=job, file=used)
    for file in (used, output):
        answer = client_of(alice).patch(f"/api/v2/files/{file.pk}/", {"name": "x"}, format="json")
        assert (answer.status_code, answer.json()["reason"]) == (409, "file_in_use")


@pytest.mark.parametrize(
    ("content", "lines"),
    [(b"a\nb\n", ["a\n", "b\n"]), (b"a\r\nb", ["a\r\n", "b"]), (b"", []), (b"\n\n", ["\n", "\n"])],
)
def test_lines_keep_their_ends(alice: User, content: bytes, lines: list[str]) -> None:
    file = StoredFileFactory.create(owner=alice, content=content)

    assert client_of(alice).get(f"/api/v2/files/{file.pk}/lines/").json()["lines"] == lines


def test_a_list_is_sorted_as_asked_and_leaves_out_outputs(alice: User) -> None:
    for name, content in (("b", b"1"), ("a", b"123"), ("c", b"12")):
        StoredFileFactory.create(owner=alice, name=name, content=content)
    StoredFileFactory.create(owner=alice, name="output", type_id=5)
    client = client_of(alice)

    def names(query: str) -> list[str]:
        return [file["name"] for file in client.get(f"/api/v2/files/?{query}").json()["results"]]

    assert names("uploaded=true&ordering=name") == ["a", "b", "c"]
    assert names("uploaded=true&ordering=-size") == ["a", "c", "b"]
    assert names("uploaded=true&ordering=dateUploaded") == ["b", "a", "c"]
    assert len(names("")) == 4
    refused = client.get("/api/v2/files/?ordering=owner__password")
    assert refused.status_code == 400
    assert refused.json()["ordering"] == ["Sort by one of name, size, dateUploaded."]

"""Whatever a command leaves behind, its job ends, and what can be kept is kept."""

from urllib.parse import quote_from_bytes

import httpx
import pytest

from jobs.storage import file_names
from tests.acceptance.people import Person, with_token
from tests.downloads import name_in_header
from tests.stack import Stack
from tests.waiting import LIMIT

pytestmark = pytest.mark.acceptance


def run(stack: Stack, command: str) -> tuple[Person, str, set[str]]:
    person = with_token(stack)
    job = person.submit(command)
    person.wait_for_cluster(job, "Stopped", limit=120)
    listed = person.get(f"/api/v2/jobs/{job}/files/?page_size=100")["results"]
    return person, job, {file["relativePath"] for file in listed}


def test_what_cannot_be_kept_is_told_and_the_rest_is_kept(stack: Stack) -> None:
    command = (
        "echo good > good.txt; mkdir locked; echo x > locked/in; chmod 0 locked; echo x > $'\\xff'; "
        "mkfifo pipe; echo y > 'new\nline'; ln -s / everything; ln -s good.txt latest; "
        "mkdir ../shared2; echo other > ../good.txt"
    )
    person, job, files = run(stack, command)
    assert files == {
        "good.txt", "shared/good.txt", "process_output.log", "%FF", "new\nline", "latest",
    }  # fmt: skip
    story = person.messages(job)
    for why in (
        "Permission denied",
        "not a regular file",
        "everything: a link that leads out of the work directory",
    ):
        assert why in story, why
    assert "Links to files are stored as files with the same content: latest -> shared/good.txt." in story
    assert "Job completed: Completed successfully." in story


NAMES = [
    "結果　最終.dat".encode(),
    "👩\u200d🚀 \u202ea\u00a0b.txt".encode(),
    b"mesh&notes.txt",
    b'it\'s "quoted" \\ %41 `x` $(y).txt',
    b"two\nlines\ttab",
    b"-rf",
    b" blanks ",
    b"n" * 255,
    "語".encode() * 85,
    b"a\xff%.dat",
    "日本語.txt".encode("shift_jis"),
]


def test_every_name_is_kept_from_upload_to_download(stack: Stack) -> None:
    """Uploaded, staged, changed by the command on the node, collected, listed and downloaded."""
    person = with_token(stack)
    inputs = []
    for name in NAMES:
        answer = httpx.post(
            f"{stack.base_url}api/v2/files/contents/",
            headers={"Authorization": f"Token {person.token}"},
            data={"encodedName": quote_from_bytes(name)},
            files={"file": ("x", name)},
            timeout=LIMIT,
        )
        assert answer.status_code == 201, answer.text
        inputs.append({"id": answer.json()["id"]})
    command = 'for f in * \' blanks \'; do printf new >> ./"$f"; mkdir -p out; cp -- ./"$f" out/; done'
    job = person.submit_with(command, inputFiles=inputs)
    person.wait_for_cluster(job, "Stopped", 120)
    listed = person.get(f"/api/v2/jobs/{job}/files/?page_size=100")["results"]
    found = {file_names.to_bytes(file["relativePath"], file["isEscaped"]): file for file in listed}
    assert set(found) == {*NAMES, *(b"out/" + name for name in NAMES), b"process_output.log"}
    for name in NAMES:
        file = found[b"out/" + name]
        headers = {"Authorization": f"Token {person.token}"}
        answer = httpx.get(file["downloadUrl"], headers=headers, timeout=LIMIT)
        assert answer.content.startswith(name + b"new"), name
        saved_as = name_in_header(answer.headers["content-disposition"])
        assert file_names.to_bytes(saved_as, file["isEscaped"]) == name
    assert "Left out" not in person.messages(job)


def test_a_work_directory_that_is_gone(stack: Stack) -> None:
    person, job, files = run(stack, "rm -rf ~/work; echo gone")
    assert files == set()
    assert "Job completed" in person.messages(job)


def test_a_flood_of_output_is_kept_in_its_file_and_told_in_part(stack: Stack) -> None:
    person, job, files = run(stack, "yes 0123456789 | head -c 20000000; echo the end")
    assert "process_output.log" in files
    program = [event for event in person.events(job) if event["source"] == "program"]
    assert len(program) == 2000
    assert "process_output.log" in program[-1]["message"]


def test_forged_results_are_not_believed(stack: Stack) -> None:
    forged = '{"exit_code": "x", "why": 5, "offset": -1}'
    person, job, _ = run(stack, f"echo '{forged}' > ~/.headnode/ended.json; sleep 2")
    assert "Job completed" in person.messages(job)

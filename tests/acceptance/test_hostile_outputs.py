"""Whatever a command leaves behind, its job ends, and what can be kept is kept."""

import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack

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
        "mkfifo pipe; echo y > 'new\nline'; ln -s / everything; "
        "mkdir ../shared2; echo other > ../good.txt"
    )
    person, job, files = run(stack, command)
    assert files == {"good.txt", "shared/good.txt", "process_output.log"}
    story = person.messages(job)
    for why in ("Permission denied", "not UTF-8", "not a regular file", "cannot be kept", "a link"):
        assert why in story, why
    assert "Job completed: Completed successfully." in story


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

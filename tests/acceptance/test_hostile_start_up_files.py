"""A start-up file of a node's owner that prints, hangs or forges: the job ends as it should, and its files are kept."""

from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.hostile import STARTUP_FILES, after, files_of, person_named, reason_of, submitting
from tests.acceptance.people import Person
from tests.stack import Stack

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def mallory(stack: Stack) -> Person:
    """The owner of hostile nodes."""
    return person_named(stack, "mallory")


@pytest.fixture
def submit(mallory: Person) -> Iterator[Callable[[str], str]]:
    """Submit jobs of mallory's; what still runs is terminated with the test."""
    yield from submitting(mallory)


@pytest.mark.parametrize("startup", STARTUP_FILES.values(), ids=STARTUP_FILES.keys())
def test_the_job_ends_as_it_should_and_its_files_are_kept(
    mallory: Person, submit: Callable[[str], str], startup: str
) -> None:
    job = submit(after(startup, "sleep 2; exit 4"))
    mallory.wait_for_message(job, "Job completed", limit=90)
    assert reason_of(mallory, job) == "A run failed (exit code 4)"
    assert files_of(mallory, job) == {"out.txt", "process_output.log"}
    printed = [event["message"] for event in mallory.events(job) if event["source"] == "program"]
    assert "Exited with code 4" in printed[-1]


def test_a_killed_runner_is_told_where_the_program_does_not_answer(
    mallory: Person, submit: Callable[[str], str]
) -> None:
    job = submit(
        after(STARTUP_FILES["exits"], "echo armed; sleep 1; kill -9 $(cat ~/.headnode/began); sleep 600")
    )
    mallory.wait_for_message(job, "Job completed", limit=150)
    assert reason_of(mallory, job) == "A run was interrupted"
    assert "out.txt" in files_of(mallory, job)
    assert "does not run the portal's program" in mallory.messages(job)

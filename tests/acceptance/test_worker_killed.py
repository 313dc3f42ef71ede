"""kill -9 of the worker, while nodes boot and again while the command runs: done all the same, and once."""

from collections.abc import Callable

import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance


def run_with_kills(stack: Stack, person: Person, kills: Callable[[str], None]) -> str:
    job = person.submit("echo began >> marks; sleep 3; echo ended >> marks; cat marks", slots=2, name="kill")
    kills(job)
    person.wait_for_message(job, "Job completed", limit=120)
    person.wait_for_cluster(job, "Stopped", limit=120)
    return job


def output_of(person: Person, job: str, name: str) -> str:
    files = {f["relativePath"]: f["id"] for f in person.get(f"/api/v2/jobs/{job}/files/")["results"]}
    status, text = person.call("GET", f"/api/v2/files/{files[name]}/contents/")
    assert status == 200
    return str(text)


def test_the_job_completes_and_nothing_runs_twice(stack: Stack) -> None:
    person = with_token(stack)

    def kill_twice(job: str) -> None:
        person.wait_for_message(job, "Ordering 2 x")
        stack.kill("worker")
        person.wait_for_message(job, "Launched the command", limit=90)
        stack.kill("worker")

    job = run_with_kills(stack, person, kill_twice)
    assert output_of(person, job, "marks") == "began\nended\n"
    messages = [event["message"] for event in person.events(job)]
    for once in (
        "Order accepted",
        "Instance ready for ssh access",
        "Launched the command",
        "The command ended",
        "Job completed",
    ):
        assert sum(message.startswith(once) for message in messages) == 1, once
    assert sum("Exited with code 0" in message for message in messages) == 1
    summary = person.get(f"/api/v2/jobs/{job}/statuses/")["results"][0]
    assert (summary["status"], summary["statusReason"]) == ("Completed", "Completed successfully")


@pytest.mark.parametrize("victim", ["web", "beat"])
def test_other_processes_may_die_too(stack: Stack, victim: str) -> None:
    person = with_token(stack)

    def kill(job: str) -> None:
        person.wait_for_message(job, "Launched the command")
        stack.kill(victim)
        with_token_again(stack)

    job = run_with_kills(stack, person, kill)
    assert output_of(person, job, "marks") == "began\nended\n"


def with_token_again(stack: Stack) -> None:
    """Wait until the portal answers again."""

    def answers() -> bool:
        try:
            return with_token(stack).call("GET", "/readyz")[0] == 200
        except (OSError, AssertionError):
            return False

    wait_for(answers, "the portal answers again", 60, every=0.2)

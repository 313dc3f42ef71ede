"""kill -9 of the worker, while nodes boot and again while the command runs: done all the same, and once.

What it costs is what the provider saw, too: nothing is charged twice, and nothing is left out.
"""

import json
from collections.abc import Callable

import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance
# Seconds of each node: those that were charged, and those of the provider's own record.
SECONDS = """
import json
from collections import Counter
from jobs.models import Charge, Cluster
from jobs.providers.registry import provider_named
cluster = Cluster.objects.get(job="{job}")
charged = Counter()
for row in Charge.objects.filter(job_id="{job}", is_open=False):
    charged[row.node] += row.seconds
used = provider_named(cluster.provider).usage(cluster.provider_state)
seen = {{node.name: int(node.until.timestamp()) - int(node.since.timestamp()) for node in used}}
print("FOUND" + json.dumps([charged, seen, Charge.objects.filter(job_id="{job}", is_open=True).count()]))
"""


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
    printed = stack.manage("shell", "-c", SECONDS.format(job=job))
    charged, seen, still_open = json.loads(printed.partition("FOUND")[2].splitlines()[0])
    assert charged == seen
    assert set(seen) == {"head", "compute-1"} and min(seen.values()) >= 3
    assert still_open == 0


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

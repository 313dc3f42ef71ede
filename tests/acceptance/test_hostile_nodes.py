"""Whatever the nodes of one person do, others wait no longer, revoked keys are refused, and jobs end as they should."""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acceptance.hostile import STARTUP_FILES, after, files_of, person_named, reason_of, submitting
from tests.acceptance.people import Person
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance

KEYS = "/api/v2/users/me/ssh-keys/"
RULES = "/api/v2/users/me/access-rules/"
# What jobs.control promises: a command has 20 s to end, and the cluster 20 s after that.
GRACE_SECONDS, AFTER_GRACE_SECONDS = 20.0, 20.0
REVOKED_SECONDS = 5.0


@pytest.fixture(scope="module")
def portal(stack: Stack) -> Stack:
    """The portal that these tests are about."""
    return stack


@pytest.fixture(scope="module")
def mallory(portal: Stack) -> Person:
    """The owner of hostile nodes."""
    return person_named(portal, "mallory")


@pytest.fixture(scope="module")
def other(portal: Stack) -> Person:
    """Somebody else."""
    return person_named(portal, "olga")


@pytest.fixture
def submit(mallory: Person) -> Iterator[Callable[[str], str]]:
    """Submit jobs of mallory's; what still runs is terminated with the test."""
    yield from submitting(mallory)


def seconds_of_a_job(person: Person) -> float:
    """Run `true` and return how long the job took."""
    began = time.monotonic()
    job = person.submit("true", name="short")
    person.wait_for_message(job, "Job completed: Completed successfully", limit=120)
    return time.monotonic() - began


class Revocable:
    """A key of somebody's who can log in with it to a job of their own."""

    def __init__(self, person: Person, folder: Path) -> None:
        self.person = person
        if not person.get(RULES)["results"]:
            assert person.call("POST", RULES, {"cidr": "127.0.0.0/8"})[0] == 201
        self.path = folder / "id"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", str(self.path)]
        subprocess.run(command, check=True)
        body = {"name": folder.name, "publicKey": Path(f"{self.path}.pub").read_text()}
        status, row = person.call("POST", KEYS, body)
        assert status == 201, row
        self.url = f"{KEYS}{row['id']}/"
        self.job = person.submit("sleep 600", name="mine")
        person.wait_for_message(self.job, "Launched the command")
        self.ssh = person.ssh_config(self.job, self.path, folder)
        wait_for(self.lets_in, "the key is let in", 10)

    def lets_in(self) -> bool:
        return self.ssh.run("true").returncode == 0

    def seconds_until_refused(self) -> float:
        """Remove the key, and return how long it still logged in."""
        assert self.person.call("DELETE", self.url)[0] == 204
        began = time.monotonic()
        wait_for(lambda: not self.lets_in(), "the key is refused", 60)
        return time.monotonic() - began

    def end(self) -> None:
        self.person.call("POST", f"/api/v2/jobs/{self.job}/stop/")
        self.person.wait_for_cluster(self.job, "Stopped")


def test_others_wait_no_longer_and_removed_keys_are_refused(
    mallory: Person, other: Person, submit: Callable[[str], str], tmp_path: Path
) -> None:
    usual = statistics.mean(seconds_of_a_job(other) for _ in range(3))
    key = Revocable(other, tmp_path)
    hostile = ["defines python3", "defines everything", "hangs"] * 3
    jobs = [submit(after(STARTUP_FILES[kind], "echo armed; sleep 600")) for kind in hostile]
    for job in jobs:
        mallory.wait_for_message(job, "armed", limit=90)
    meanwhile = statistics.mean(seconds_of_a_job(other) for _ in range(3))
    refused = key.seconds_until_refused()
    ready = other.call("GET", "/readyz")
    key.end()
    assert meanwhile <= 2 * usual, (meanwhile, usual)
    assert refused <= REVOKED_SECONDS
    assert ready[0] == 200, ready


def seconds_to_end(person: Person, job: str) -> float:
    """Terminate a job and return how long its cluster took to end."""
    began = time.monotonic()
    assert person.call("POST", f"/api/v2/jobs/{job}/stop/")[0] == 202
    person.wait_for_cluster(job, "Stopped", limit=180)
    return time.monotonic() - began


@pytest.mark.parametrize("then", ["sleep 600", "trap '' TERM; while :; do sleep 1; done"])
def test_terminate_ends_each_in_time_and_keeps_its_files(
    mallory: Person, submit: Callable[[str], str], then: str
) -> None:
    jobs = {kind: submit(after(text, f"echo armed; {then}")) for kind, text in STARTUP_FILES.items()}
    for job in jobs.values():
        mallory.wait_for_message(job, "armed", limit=120)
    with ThreadPoolExecutor(len(jobs)) as pool:
        took = dict(zip(jobs, pool.map(lambda job: seconds_to_end(mallory, job), jobs.values()), strict=True))
    assert {kind: s for kind, s in took.items() if s > GRACE_SECONDS + AFTER_GRACE_SECONDS} == {}
    for kind, job in jobs.items():
        assert "out.txt" in files_of(mallory, job), kind
        assert reason_of(mallory, job) == "User Terminated", kind


def test_terminate_ends_a_node_that_answers_nothing(mallory: Person, submit: Callable[[str], str]) -> None:
    """Whatever the portal starts on this node is stopped at once, its runner, program and sftp server too."""
    freeze = "pkill -STOP -x sftp-server; pkill -STOP -x python3; sleep 0.01"
    job = submit(f"trap '' TERM; echo armed; sleep 2; while :; do {freeze}; done")
    mallory.wait_for_message(job, "armed")
    mallory.wait_for_message(job, "Trying again soon", limit=90)
    took = seconds_to_end(mallory, job)
    assert took <= GRACE_SECONDS + AFTER_GRACE_SECONDS
    assert "Output files could not be fetched" in mallory.messages(job)
    assert reason_of(mallory, job) == "User Terminated"

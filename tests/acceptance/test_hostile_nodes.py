"""Whatever the nodes of one person do, others wait no longer, revoked keys are refused, and jobs end as they should."""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance

PASSWORD = "horse battery correct"
KEYS = "/api/v2/users/me/ssh-keys/"
RULES = "/api/v2/users/me/access-rules/"
# What jobs.control promises: a command has 20 s to end, and the cluster 20 s after that.
GRACE_SECONDS, AFTER_GRACE_SECONDS = 20.0, 20.0
REVOKED_SECONDS = 5.0

# What a person may write into ~/.bashrc, which bash reads for each command that comes over SSH.
STARTUP_FILES = {
    "prints": "echo hi",
    "hangs": "sleep 3600",
    "prints a lot": "head -c 100000000 /dev/zero | tr '\\0' x",
    "prints for ever": "yes",
    "defines python3": "python3() { sleep 3600; }",
    "defines everything": "exec() { sleep 3600; }; env() { sleep 3600; }; /usr/bin/env() { sleep 3600; }",
    "exits": "exit 3",
    "reads the request": "cat > /dev/null",
    "has no python3": 'exec bash --norc -c "${BASH_EXECUTION_STRING//python3/no-such-python3}"',
    "forges an answer": (
        'python3 -c \'import json, sys; marker = json.load(sys.stdin)["marker"]; '
        'print(marker + "[" * 100000 + marker)\'; exit'
    ),
}


def after(startup: str, then: str) -> str:
    """Return a command that leaves a start-up file and output behind, and goes on with `then`."""
    return f"cat > ~/.bashrc <<'END'\n{startup}\nEND\necho kept > out.txt\n{then}"


def person_named(portal: Stack, name: str) -> Person:
    portal.manage(
        "shell",
        "-c",
        f"from accounts.models import User; User.objects.filter(username='{name}').exists() "
        f"or User.objects.create_user('{name}', password='{PASSWORD}')",
    )
    return with_token(portal, name, PASSWORD)


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
    made: list[str] = []

    def submit_one(command: str) -> str:
        made.append(mallory.submit(command, name="hostile"))
        return made[-1]

    yield submit_one
    for job in made:
        mallory.call("POST", f"/api/v2/jobs/{job}/stop/")
    for job in made:
        mallory.wait_for_cluster(job, "Stopped", limit=180)


def seconds_of_a_job(person: Person) -> float:
    """Run `true` and return how long the job took."""
    began = time.monotonic()
    job = person.submit("true", name="short")
    person.wait_for_message(job, "Job completed: Completed successfully", limit=120)
    return time.monotonic() - began


def files_of(person: Person, job: str) -> set[str]:
    listed = person.get(f"/api/v2/jobs/{job}/files/?page_size=100")["results"]
    return {file["relativePath"] for file in listed}


def reason_of(person: Person, job: str) -> str:
    return str(person.get(f"/api/v2/jobs/{job}/statuses/")["results"][0]["statusReason"])


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

"""Somebody who is logged in with their own ssh is warned before the cluster ends, extends it, and it stays."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.people import Person
from tests.stack import Stack
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.acceptance

# As if the command had begun so long ago that its hour is over in so many minutes.
AGE = """
from datetime import timedelta
from django.utils import timezone
from jobs.models import Cluster
Cluster.objects.filter(job="{job}").update(
    executing_at=timezone.now() - timedelta(minutes=60 - {left}), next_check_at=timezone.now())
"""


@pytest.fixture(scope="module")
def portal(stack: Stack) -> Stack:
    """The portal all tests share."""
    return stack


def test_the_terminal_the_log_and_the_deadline(
    portal: Stack, person: Person, jobs: Callable[..., str], key: Path, tmp_path: Path
) -> None:
    job = jobs(slots=1)
    person.wait_for_message(job, "Launched the command")
    ssh = person.ssh_config(job, key, tmp_path)
    line = ["ssh", "-F", str(ssh.config), "-tt", "-p", str(ssh.port), ssh.where]
    terminal = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert terminal.stdin is not None
    assert terminal.stdout is not None
    try:
        terminal.stdin.write(b"echo rea''dy\n")
        terminal.stdin.flush()
        seen = read_until(terminal, b"ready")
        portal.manage("shell", "-c", AGE.format(job=job, left=14.5))
        said = person.wait_for_message(job, "This cluster ends in 15 minutes")
        assert "The job's walltime is over then." in said
        seen = read_until(terminal, b"extend it on the job page.")
        assert b"Broadcast message from root@" in seen
        assert said.encode() in seen.replace(b"\r\n", b"")
    finally:
        terminal.kill()
        terminal.communicate(timeout=LIMIT)
    before = person.get(f"/api/v2/jobs/{job}/")
    status, answer = person.call("POST", f"/api/v2/jobs/{job}/extend/", {"seconds": 3600})
    assert (status, answer["reason"]) == (200, "walltime")
    assert answer["deadline"] > before["deadline"]
    # Its old end comes, and it runs on; the new one comes, and it ends for that reason.
    portal.manage("shell", "-c", AGE.format(job=job, left=-2))
    person.call("POST", f"/api/v2/jobs/{job}/extend/", {"seconds": 60})
    assert person.get(f"/api/v2/jobs/{job}/")["outcome"] == ""
    portal.manage("shell", "-c", AGE.format(job=job, left=-62))

    def outcome() -> str:
        return str(person.get(f"/api/v2/jobs/{job}/")["outcome"])

    assert wait_for(outcome, "the walltime ends it", 2 * LIMIT, every=0.2) == "walltime"
    warnings = [line for line in person.messages(job).splitlines() if line.startswith("This cluster ends in")]
    assert len(warnings) <= 2


def read_until(terminal: "subprocess.Popen[bytes]", words: bytes) -> bytes:
    assert isinstance(terminal.stdout, io.BufferedReader)
    seen = b""
    while words not in seen.replace(b"\r\n", b""):
        piece = terminal.stdout.read1(65536)
        assert piece, seen
        seen += piece
    return seen

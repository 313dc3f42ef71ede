"""A cluster that nobody uses ends; one with a sleeping ssh session, a copy under way or a busy compute node does not.

Real clients on real nodes, with the shortest idle limit, and a worker that is killed in between.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.people import SSH, Person
from tests.stack import Stack, running
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance

LIMIT = timedelta(minutes=1)
# The limit, the time between two looks, and what a machine under load takes on top.
ENDED = 180


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal with the shortest idle limit."""
    with running(tmp_path_factory.mktemp("idle"), HEADNODE_IDLE_MINUTES="1") as found:
        yield found


def cluster_for_people(person: Person, name: str, slots: int = 1, **more: Any) -> str:
    """Submit a job without a command, and wait until people can use its cluster."""
    hardware = {
        "coreType": "emerald",
        "coresPerSlot": 1,
        "slots": slots,
        "walltime": 1,
        "type": "interactive",
    }
    analysis = {
        "analysis": {"code": "user_included", "version": "0"},
        "command": "",
        "hardware": hardware,
    }
    status, job = person.call("POST", "/api/v2/jobs/", {"name": name, "jobanalyses": [analysis], **more})
    assert status == 201, job
    assert person.call("POST", f"/api/v2/jobs/{job['id']}/submit/")[0] == 200
    person.wait_for_message(job["id"], "The cluster is yours")
    return str(job["id"])


def client(ssh: SSH, *words: str) -> "subprocess.Popen[bytes]":
    """Start a client that keeps running, with the person's configuration."""
    line = [words[0], "-F", str(ssh.config), *words[1:]]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, bufsize=0)


def sources(person: Person, job: str) -> dict[str, str]:
    """Return the last time of each source."""
    return {seen["source"]: seen["at"] for seen in person.get(f"/api/v2/jobs/{job}/")["activity"]["sources"]}


def outcome(person: Person, job: str) -> str:
    return str(person.get(f"/api/v2/jobs/{job}/")["outcome"])


def is_seen_again(person: Person, job: str, source: str) -> None:
    """Wait until the source is seen, and seen later than that."""
    before = wait_for(lambda: sources(person, job).get(source), source, ENDED)
    wait_for(lambda: sources(person, job)[source] > before, f"{source} is seen again", ENDED, every=0.5)


def test_only_the_cluster_that_nobody_uses_ends(
    portal: Stack, person: Person, key: Path, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(bytes(40_000_000))
    idle, never = cluster_for_people(person, "idle"), cluster_for_people(person, "never", idleMinutes=0)
    sleeping, copying = cluster_for_people(person, "sleep"), cluster_for_people(person, "copy")
    busy = cluster_for_people(person, "busy", slots=2)
    ways = {job: person.ssh_config(job, key, tmp_path) for job in (idle, sleeping, copying, busy)}
    with ExitStack() as clients:

        def start(job: str, *words: str) -> "subprocess.Popen[bytes]":
            found = clients.enter_context(client(ways[job], *words))
            clients.callback(found.kill)
            return found

        # A prompt at which nobody types does not keep its cluster.
        start(idle, "ssh", "-tt", "-p", str(ways[idle].port), ways[idle].where)
        sleeper = start(sleeping, "ssh", "-p", str(ways[sleeping].port), ways[sleeping].where, "sleep 600")
        to = f"{ways[copying].where}:data"
        start(copying, "scp", "-l", "1000", "-P", str(ways[copying].port), str(tmp_path / "data"), to)
        compute = next(each for each in person.instances(busy) if each["name"] != "head")
        line = "setsid sh -c 'while :; do :; done' > /dev/null 2>&1 < /dev/null &"
        command = ["-p", str(compute["sshPort"]), f"{compute['username']}@{compute['publicIp']}", line]
        assert subprocess.run(["ssh", "-F", str(ways[busy].config), *command], timeout=60).returncode == 0

        wait_for(lambda: "program" in sources(person, sleeping), "the sleep is seen", 60, every=0.5)
        shown = person.get(f"/api/v2/jobs/{idle}/")
        assert shown["deadlineReason"] == "idle"
        assert shown["activity"]["idleLimitMinutes"] == 1
        portal.kill("worker")

        assert (
            wait_for(lambda: outcome(person, idle), "the idle cluster ends", ENDED, every=0.5) == "deadline"
        )
        assert "Idle limit reached" in person.messages(idle)
        began = datetime.fromisoformat(shown["activity"]["sources"][-1]["at"])
        ended = person.get(f"/api/v2/jobs/{idle}/")
        assert ended["elapsedWalltimeSeconds"] >= LIMIT.total_seconds(), began

        for job, source in ((sleeping, "program"), (copying, "transfer"), (busy, "cpu")):
            assert outcome(person, job) == "", source
            is_seen_again(person, job, source)
        assert outcome(person, never) == ""
        assert person.get(f"/api/v2/jobs/{never}/")["deadlineReason"] == "walltime"

        # One click keeps it running; without its client, and without the click, it ends.
        sleeper.kill()
        assert wait_for(lambda: outcome(person, sleeping), "it ends, too", ENDED, every=0.5) == "deadline"
        status, kept = person.call("POST", f"/api/v2/jobs/{copying}/extend/", {"seconds": 1800})
        assert (status, kept["reason"]) == (200, "idle")
    for job in (never, copying, busy):
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
    for job in (never, copying, busy):
        person.wait_for_cluster(job, "Stopped")

"""Thirty jobs while worker, beat, web, Redis and simulator are killed with -9 again and again: all end properly.

The seed is printed; CHAOS_SEED plays the same kills again (what they hit depends on the moment), CHAOS_ROUNDS more.
"""

import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.states import JobState
from tests.acceptance.people import Person, with_token
from tests.stack import Stack, processes_of, running
from tests.waiting import wait_for

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

JOBS = 30
VICTIMS = ("worker", "beat", "web", "redis", "simulator")
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "3"))
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))
ONCE = (
    "Order accepted",
    "Instance ready",
    "Launched the command",
    "Job completed",
    "The cluster is shut down",
)
# outcome -> its reason, and what the log says of the command. A node that was rebooted under a command does not run
# it again: at most once.
OUTCOMES = {
    "succeeded": ("Completed successfully", "The command ended with exit code 0"),
    "failed": ("A run was interrupted", "The command was interrupted"),
}
PATIENCE = 300.0
ORPHAN_AGE = 5


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal of this module's own, which is not spared."""
    settings = {
        "HEADNODE_LEFTOVER_EVERY_SECONDS": "1",
        "HEADNODE_LEFTOVER_AGE_SECONDS": str(ORPHAN_AGE),
        # An orphan stays listed: it must be seen here, not be terminated before anybody looks.
        "HEADNODE_LEFTOVER_GRACE_MINUTES": "600",
    }
    with running(tmp_path_factory.mktemp("chaos"), **settings) as found:
        yield found


class Patient(Person):
    """Somebody who tries again when the portal does not answer: it has just been killed."""

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        def answered() -> tuple[int, Any] | None:
            try:
                status, answer = super(Patient, self).call(method, path, body)
            except OSError:  # refused, reset, cut off in the middle
                return None
            return None if status >= 500 else (status, answer)

        return wait_for(answered, f"{method} {path} is answered", every=0.2)

    def submit_surely(self, command: str, slots: int, name: str) -> str:
        """Save and submit; a submission whose answer was lost is found to be there."""
        hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": slots, "walltime": 1}
        analysis = {"code": "user_included", "version": "0"}
        body = {
            "name": name,
            "jobanalyses": [{"analysis": analysis, "command": command, "hardware": hardware}],
        }
        status, job = self.call("POST", "/api/v2/jobs/", body)
        assert status == 201, job
        status, answer = self.call("POST", f"/api/v2/jobs/{job['id']}/submit/")
        assert status == 200 or (status, answer["reason"]) == (409, "already_submitted"), answer
        return str(job["id"])


def is_over(person: Person, job: str) -> bool:
    code, page = person.call("GET", f"/api/v2/jobs/{job}/cluster_statuses/")
    return bool(code == 200 and page["results"][0]["status"] == "Stopped")


def check_story(person: Person, job: str) -> tuple[str, int]:
    """One job's story from the outside: its outcome, and how many events it has."""
    events = person.events(job)  # checks that sequences count 1, 2, 3 ...
    messages = [event["message"] for event in events]
    facts = person.get(f"/api/v2/jobs/{job}/")
    told = f"job {job}: {facts['outcome']} {facts['outcomeReason']}\n" + "\n".join(messages)
    assert facts["outcome"] in OUTCOMES, told
    reason, ended = OUTCOMES[facts["outcome"]]
    assert facts["outcomeReason"] == reason, told
    for once in (*ONCE, ended):
        assert sum(message.startswith(once) for message in messages) == 1, told
    statuses = person.get(f"/api/v2/jobs/{job}/statuses/?page_size=50")["results"]
    order = [list(JobState).index(JobState(row["status"])) for row in reversed(statuses)]
    assert order == sorted(set(order)), told
    assert statuses[0]["status"] == "Completed"
    marks = marks_of(person, job)
    printed = [line.split()[-1] for line in messages if re.search(r"\]: (began|done)$", line)]
    if facts["outcome"] == "succeeded":
        assert (marks, printed) == ("began\nended\n", ["began", "done"]), told
    else:
        assert marks.count("began") <= 1, told
        assert printed in ([], ["began"], ["began", "done"]), told
    return facts["outcome"], len(events)


def marks_of(person: Person, job: str) -> str:
    """What the command left in its file; empty when it did not come that far."""
    files = person.get(f"/api/v2/jobs/{job}/files/")["results"]
    marks = [row["id"] for row in files if row["relativePath"] == "marks"]
    if not marks:
        return ""
    status, text = person.call("GET", f"/api/v2/files/{marks[0]}/contents/")
    assert status == 200
    return str(text)


def listening() -> set[str]:
    """address:port of everything on this machine that listens, as the kernel says."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        if state == "0A":
            address, port = local.split(":")
            found.add(f"{'.'.join(map(str, bytes.fromhex(address)[::-1]))}:{int(port, 16)}")
    return found


def places_of(person: Person, job: str) -> set[str]:
    """Where the job's nodes had their SSH servers."""
    return {f"{node['publicIp']}:{node['sshPort']}" for node in person.instances(job) if node["publicIp"]}


def test_thirty_jobs_end_properly_whatever_is_killed(portal: Stack) -> None:
    dice = random.Random(SEED)
    print(f"\nchaos: seed {SEED}")  # noqa: T201 - to play it again
    person = Patient(portal, with_token(portal).token)
    person.call("GET", "/readyz")
    began = time.monotonic()
    kills: Counter[str] = Counter()
    deaths = [victim for _ in range(ROUNDS) for victim in dice.sample(VICTIMS, len(VICTIMS))]
    jobs: list[str] = []
    for number in range(JOBS):
        seconds = dice.uniform(0, 3)
        command = f"echo began >> marks; echo began; sleep {seconds:.1f}; echo ended >> marks; echo done"
        jobs.append(person.submit_surely(command, dice.choice((1, 1, 2)), f"chaos {number}"))
        if number % (JOBS // len(deaths) or 1) == 0 and deaths:
            victim = deaths.pop()
            portal.kill(victim)
            kills[victim] += 1
    for victim in deaths:
        portal.kill(victim)
        kills[victim] += 1
    submitted = time.monotonic() - began
    left = set(jobs)

    def all_over() -> bool:
        left.difference_update({job for job in left if is_over(person, job)})
        return not left

    wait_for(all_over, f"all clusters are Stopped; seed {SEED}", PATIENCE, every=0.5)
    took = time.monotonic() - began
    stories = [check_story(person, job) for job in jobs]
    outcomes = Counter(outcome for outcome, _ in stories)
    assert sum(outcomes.values()) == JOBS
    assert all(kills[victim] >= ROUNDS for victim in VICTIMS)
    places = set().union(*(places_of(person, job) for job in jobs))
    assert len(places) >= JOBS
    wait_for(
        lambda: not left_behind(portal, places),
        f"nothing of a node is left: {left_behind(portal, places)}",
    )
    assert orphans_after_a_search(portal, person) == []
    print(  # noqa: T201 - the figures of the run
        f"chaos: {JOBS} jobs in {took:.0f} s (the last submitted after {submitted:.0f} s), "
        f"killed with -9: {', '.join(f'{name} {count} times' for name, count in sorted(kills.items()))}; "
        f"{dict(outcomes)}; {sum(count for _, count in stories)} events without a hole or a double; "
        "no process, socket or address left"
    )


def orphans_after_a_search(portal: Stack, person: Person) -> list[str]:
    """The clusters that the cloud has and no job needs, by a search that began when all of them were old enough."""
    enough = time.time() + ORPHAN_AGE + 1
    code = "from jobs.models import OrphanSearch; print(OrphanSearch.objects.get().searched_at.timestamp())"
    wait_for(
        lambda: float(portal.manage("shell", "-v", "0", "-c", code)) > enough,
        "a search for orphans was made",
        every=1,
    )
    return [row["clusterId"] for row in person.get("/api/v2/leftovers/")["results"]]


def test_a_cluster_that_was_left_in_the_cloud_would_be_found(portal: Stack, cloud: httpx.Client) -> None:
    """That the list above is empty proves something only if it would not be."""
    person = with_token(portal)
    code = "from jobs.providers.portal_id import own_portal_id; print(own_portal_id())"
    order = {
        "mark": portal.manage("shell", "-v", "0", "-c", code).strip(),
        "username": "uprod_Stray1",
        "home": "/enc/uprod_Stray1",
        "broker_url": f"{portal.base_url}context/v1/",
        "nodes": [
            {
                "name": "head",
                "role": "head",
                "core_type": "emerald",
                "cores": 1,
                "memory_mb": 1024,
                "ssh_port": 32100,
                "boot_seconds": 1,
                "token": "of no job",
            }
        ],
    }
    assert cloud.put("/v1/clusters/Stray1", json=order).status_code == 201
    assert orphans_after_a_search(portal, person) == ["Stray1"]
    assert cloud.request("DELETE", "/v1/clusters/Stray1").status_code == 202
    wait_for(lambda: orphans_after_a_search(portal, person) == [], "it is gone")


def left_behind(portal: Stack, places: set[str]) -> list[str]:
    """What of the simulator's nodes is still there: processes, open ports, homes, states."""
    simulator = portal.var / "simulator"
    mine = [line for line in processes_of(portal.var) if "node_runtime.launcher" in line or "bwrap" in line]
    folders = [str(path) for name in ("clusters", "homes", "etc") for path in (simulator / name).glob("*/")]
    return mine + folders + sorted(places & listening())

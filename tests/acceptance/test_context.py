"""Nodes become members of their cluster: what they find, in which order, and what their owner sees of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.launching import launch, member
from tests.acceptance.people import Person
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance
PHASES = ["hosts", "peers", "this_host", "data", "finalize"]


@pytest.fixture(scope="module")
def portal(stack: Stack) -> Stack:
    """The one that runs anyway."""
    return stack


@pytest.fixture
def planned(portal: Stack, person: Person) -> Iterator[Callable[..., str]]:
    """Launch clusters with a plan; they are ended with the test."""
    made: list[str] = []

    def submit(plan: dict[str, Any], command: str = "sleep 600") -> str:
        made.append(launch(portal, "tess", plan, command))
        return made[-1]

    yield submit
    for job in made:
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
    for job in made:
        person.wait_for_cluster(job, "Stopped")


def context(person: Person, job: str) -> dict[str, Any]:
    found: dict[str, Any] = person.get(f"/api/v2/jobs/{job}/context/")
    return found


def nodes(person: Person, job: str) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in context(person, job)["nodes"]}


def test_each_member_finds_its_part_as_plain_files(
    person: Person, planned: Callable[..., str], key: Path, tmp_path: Path
) -> None:
    write = '#!/bin/bash\necho "$HEADNODE_MEMBER $HEADNODE_PHASE $(cat $HEADNODE_CONTEXT/data/greeting)" >> ~/said\n'
    plan = {
        "members": [
            member("head", provides=["server"], requires=["client"], scripts={"data": write}),
            member(
                "compute-1",
                provides=["client"],
                requires=["server"],
                scripts={"finalize": "ssh head hostname > ~/from-$HEADNODE_MEMBER; echo done\n"},
            ),
            member("compute-2", provides=["client"]),
        ],
        "data": {"greeting": "good day; $(rm -rf ~)"},
    }
    job = planned(plan)
    person.wait_for_message(job, "Instance ready for ssh access")
    ssh = person.ssh_config(job, key, tmp_path)
    assert ssh("cat ~/said") == "head data good day; $(rm -rf ~)\n"
    assert ssh("cat ~/from-compute-1") == ssh("hostname")
    here = ssh("cd $HEADNODE_CONTEXT && cat member role provides requires roles/client/names ready").split()
    assert here == ["head", "head", "server", "client", "compute-1", "compute-2", "ok"]
    assert ssh("cat $HEADNODE_CONTEXT/data/greeting") == "good day; $(rm -rf ~)"
    assert ssh("cut -f1,3,4,5 $HEADNODE_CONTEXT/members") == (
        "head\temerald\t1\tserver\ncompute-1\temerald\t1\tclient\ncompute-2\temerald\t1\tclient\n"
    )
    for name in ("head", "compute-1", "compute-2"):
        assert ssh(f"getent hosts {name}")
        assert ssh(f"ssh {name} cat /run/context/member") == f"{name}\n"
    assert ssh("ssh-keygen -F compute-1 -f $HEADNODE_CONTEXT/roles/client/known_hosts")
    refused = ssh.run("touch $HEADNODE_CONTEXT/x || rm -f $HEADNODE_CONTEXT/member")
    assert refused.returncode != 0
    told = nodes(person, job)
    for node in told.values():
        assert [phase["name"] for phase in node["phases"]] == PHASES
        assert {phase["state"] for phase in node["phases"]} == {"ok"}
        assert node["outcome"] == "ok"


def test_a_script_that_fails_is_told_with_its_words_and_the_cluster_is_backed_out(
    person: Person, planned: Callable[..., str]
) -> None:
    script = "echo first\necho the disk is missing >&2\nexit 3\n"
    job = planned({"members": [member("head"), member("compute-1", scripts={"data": script})]})
    person.wait_for_cluster(job, "Stopped")
    story = person.messages(job)
    assert (
        "compute-1 reports an ERROR in phase data: The script ended with exit status 3: the disk is missing"
        in story
    )
    assert "compute-1 reported an error from its contextualization: data: The script ended" in story
    assert "Instance ready" not in story
    assert story.index("Stored the report") < story.index("Shutting the cluster down")
    bad = nodes(person, job)["compute-1"]
    assert bad["outcome"] == "error"
    assert {phase["name"]: phase["state"] for phase in bad["phases"]} == {
        "hosts": "ok",
        "peers": "ok",
        "this_host": "ok",
        "data": "error",
        "finalize": "ahead",
    }
    assert person.get(f"/api/v2/jobs/{job}/statuses/")["results"][0]["status"] == "Completed"


def test_a_script_that_takes_too_long_is_ended(person: Person, planned: Callable[..., str]) -> None:
    script = "echo begun\ntrap '' TERM\nsleep 600\n"
    job = planned(
        {"members": [member("head", scripts={"this_host": script})], "phase_timeouts": {"this_host": 1}}
    )
    person.wait_for_cluster(job, "Stopped")
    assert "this_host: The script was not done within 1 s and was ended: begun" in person.messages(job)


def test_a_role_that_never_comes_is_not_waited_for_longer_than_the_phase_may_take(
    person: Person, planned: Callable[..., str], fault: Callable[..., None]
) -> None:
    fault("never_reports", {"node": "compute-1"})
    job = planned(
        {
            "members": [member("head", requires=["client"]), member("compute-1", provides=["client"])],
            "phase_timeouts": {"peers": 12},
        }
    )
    waiting = wait_for(
        lambda: next((p for p in nodes(person, job)["head"]["phases"] if p["state"] == "waiting"), None),
        "the head says whom it waits for",
    )
    assert waiting is not None
    assert waiting["said"] == "waiting for client of compute-1"
    person.wait_for_cluster(job, "Stopped")
    assert "peers: Not done within 12 s: still waiting for client of compute-1." in person.messages(job)

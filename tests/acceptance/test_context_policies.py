"""Nodes that do not come up: the report is stored first, then the cluster's policy is kept."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.launching import launch, member
from tests.acceptance.people import Person
from tests.stack import Stack, running
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.acceptance
BOOT_LIMIT_SECONDS = 6


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One in which nodes that say nothing are not waited for long."""
    limit = str(BOOT_LIMIT_SECONDS)
    with running(tmp_path_factory.mktemp("policies"), HEADNODE_BOOT_LIMIT_SECONDS=limit) as found:
        yield found


def plan(policy: dict[str, Any], computes: int = 3, **scripts: dict[str, str]) -> dict[str, Any]:
    names = ["head", *(f"compute-{number + 1}" for number in range(computes))]
    return {
        "members": [member(name, scripts=scripts.get(name.replace("-", "_"), {})) for name in names],
        "policy": policy,
    }


def bundle(portal: Stack, person: Person, job: str) -> dict[str, str]:
    """The files of the report, by name."""
    answer = httpx.get(
        f"{portal.base_url}api/v2/jobs/{job}/context-report/",
        headers={"Authorization": f"Token {person.token}"},
        timeout=LIMIT,
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert found.testzip() is None
        return {name.partition("/")[2]: found.read(name).decode() for name in found.namelist()}


def stored(portal: Stack) -> list[Path]:
    return sorted((portal.var / "files" / "context-reports").glob("*/*.zip"))


def statuses(person: Person, job: str) -> list[str]:
    rows = person.get(f"/api/v2/jobs/{job}/cluster_statuses/")["results"]
    return [row["status"] for row in reversed(rows)]


def test_back_out_when_a_script_fails(portal: Stack, person: Person) -> None:
    job = launch(
        portal, "tess", plan({"on_error": "back_out"}, compute_2={"data": "echo no room >&2; exit 28\n"})
    )
    person.wait_for_cluster(job, "Stopped")
    assert statuses(person, job) == ["Not Started", "Starting", "Error", "Stopping", "Stopped"]
    files = bundle(portal, person, job)
    assert sorted(files) == [
        *(f"nodes/{name}.txt" for name in ("compute-1", "compute-2", "compute-3", "head")),
        "summary.json",
        "summary.txt",
    ]
    summary = json.loads(files["summary.json"])
    assert (summary["outcome"], summary["policy"]["onError"]) == ("error", "back_out")
    bad = next(node for node in summary["nodes"] if node["name"] == "compute-2")
    assert (bad["outcome"], bad["phases"][3]["state"]) == ("error", "error")
    assert "no room" in files["nodes/compute-2.txt"]
    assert "sshd: listening" in files["nodes/compute-2.txt"]
    assert "compute-2" in files["summary.txt"]


def test_back_out_when_a_node_never_reports(
    portal: Stack, person: Person, fault: Callable[..., None]
) -> None:
    fault("never_reports", {"node": "compute-1"})
    job = launch(portal, "tess", plan({"on_error": "back_out"}, computes=1))
    person.wait_for_cluster(job, "Stopped")
    assert "These nodes did not report in time: compute-1." in person.messages(job)
    assert json.loads(bundle(portal, person, job)["summary.json"])["nodes"][1]["outcome"] is None


def test_hold_keeps_what_is_up_until_terminate(
    portal: Stack, person: Person, key: Path, tmp_path: Path, fault: Callable[..., None]
) -> None:
    fault("never_reports", {"node": "compute-1"})
    script = "echo left for you > /tmp/clue; exit 1\n"
    job = launch(portal, "tess", plan({"on_error": "hold", "hold_hours": 2}, compute_2={"data": script}))
    held = person.wait_for_message(job, "Held for debugging until")
    assert "you can log in to head, compute-2, compute-3" in held
    assert statuses(person, job)[-1] == "Error"
    shown = person.get(f"/api/v2/jobs/{job}/context/")
    assert shown["heldAt"]
    assert {node["name"]: node["state"] for node in shown["nodes"]} == {
        "head": "running",
        "compute-1": "booting",
        "compute-2": "running",
        "compute-3": "running",
    }
    assert json.loads(bundle(portal, person, job)["summary.json"])["failure"] == ""  # it was stored before
    ssh = person.ssh_config(job, key, tmp_path)
    assert ssh("ssh compute-2 cat /tmp/clue") == "left for you\n"
    ssh("echo by hand > work/shared/findings.txt")
    assert "Instance ready" not in person.messages(job)
    assert "Launched the command" not in person.messages(job)
    assert person.call("POST", f"/api/v2/jobs/{job}/stop/")[0] == 202
    person.wait_for_cluster(job, "Stopped")
    row = person.get(f"/api/v2/jobs/{job}/statuses/")["results"][0]
    assert row["status"] == "Completed"
    assert "compute-2 reported an error" in row["statusReason"]
    listed = person.get(f"/api/v2/jobs/{job}/files/")["results"]
    assert "findings.txt" in {file["relativePath"] for file in listed}, (
        "what was made on it is stored before it goes"
    )


def test_hold_ends_at_its_deadline(portal: Stack, person: Person, fault: Callable[..., None]) -> None:
    fault("context_fails", {"node": "compute-1"})
    hours = 4 / 3600
    began = time.monotonic()
    job = launch(portal, "tess", plan({"on_error": "hold", "hold_hours": hours}, computes=1))
    person.wait_for_message(job, "Held for debugging until")
    person.wait_for_cluster(job, "Stopped")
    assert time.monotonic() - began > 4
    assert "The time to look into the nodes is over." in person.messages(job)


def test_hold_with_nothing_up_is_backed_out(
    portal: Stack, person: Person, fault: Callable[..., None]
) -> None:
    fault("never_reports", {})
    job = launch(portal, "tess", plan({"on_error": "hold"}, computes=0))
    person.wait_for_cluster(job, "Stopped")
    assert "No node is up, so there is nothing to hold." in person.messages(job)


def test_continue_leaves_out_what_did_not_come(
    portal: Stack, person: Person, fault: Callable[..., None], cloud: httpx.Client
) -> None:
    fault("never_reports", {"node": "compute-1"})
    command = (
        "echo nodes $HEADNODE_NODES count $RESCALE_NODES cores $RESCALE_CORES; cat $MACHINEFILE; sleep 600"
    )
    policy = {"on_error": "continue", "at_least_percent": 50}
    job = launch(portal, "tess", plan(policy, compute_2={"data": "exit 1\n"}), command)
    person.wait_for_message(job, "compute-3:1")
    story = person.messages(job)
    assert "Going on with 2 of 4 nodes: at least 50 % are wanted." in story
    assert "nodes head compute-3 count 2 cores 2" in story
    printed = [event["message"] for event in person.events(job) if event["source"] == "program"]
    assert [line.rpartition("]: ")[2] for line in printed[-2:]] == ["head:1", "compute-3:1"]
    assert story.index("Stored the report") < story.index("Going on with")
    found = {node["name"]: node for node in person.get(f"/api/v2/jobs/{job}/context/")["nodes"]}
    assert [name for name, node in found.items() if node["leftOut"]] == ["compute-1", "compute-2"]
    assert found["compute-1"]["state"] == "failed"

    def stopped() -> bool:
        documents = cloud.get("/v1/clusters").json()["clusters"]
        states = {
            node["name"]: node["state"]
            for each in documents
            for node in cloud.get(f"/v1/clusters/{each['id']}").json()["nodes"]
        }
        return states.get("compute-1") == "stopped" and states.get("compute-2") in ("failed", "stopped")

    wait_for(stopped, "what was left out costs nothing")
    assert person.call("POST", f"/api/v2/jobs/{job}/stop/")[0] == 202
    person.wait_for_cluster(job, "Stopped")


def test_continue_needs_enough_nodes_and_the_head(portal: Stack, person: Person) -> None:
    policy = {"on_error": "continue", "at_least_percent": 80}
    few = launch(portal, "tess", plan(policy, compute_2={"data": "exit 1\n"}))
    headless = launch(portal, "tess", plan(policy | {"at_least_percent": 1}, head={"data": "exit 1\n"}))
    for job in (few, headless):
        person.wait_for_cluster(job, "Stopped")
    assert "That leaves 3 of 4 nodes, less than 80 %." in person.messages(few)
    assert "Nothing goes on without the head node." in person.messages(headless)


def test_a_cluster_that_came_up_well_leaves_a_report_too(portal: Stack, person: Person) -> None:
    before = stored(portal)
    job = person.submit("echo fine", slots=2)
    person.wait_for_cluster(job, "Stopped")
    (new,) = set(stored(portal)) - set(before)
    with zipfile.ZipFile(new) as found:
        summary = json.loads(found.read(f"context-report-{job}/summary.json"))
    assert summary["outcome"] == "ok"
    assert json.loads(bundle(portal, person, job)["summary.json"]) == summary
    assert person.call("DELETE", f"/api/v2/jobs/{job}/")[0] == 204
    assert stored(portal) == before

"""Each fault of the cloud as the owner of a job sees it: the log line, the nodes' states, how it ends.

Nodes that never report, contexts that fail and host keys that change have files of their own, with what the policies
and the alarm make of them.
"""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance
FAULTS, CAPACITY = "/api/v2/simulator/faults/", "/api/v2/simulator/capacity/"


@pytest.fixture(scope="module")
def portal(stack: Stack) -> Stack:
    """The one that runs anyway: what is broken is put right again."""
    return stack


@pytest.fixture
def switch(portal: Stack) -> Iterator[Callable[..., None]]:
    """An administrator's switch: `switch("disk_full", cluster="next")`; all are off after the test."""
    admin = with_token(portal)
    on: list[dict[str, Any]] = []

    def change(name: str, **words: Any) -> None:
        status, answer = admin.call("PUT", FAULTS, {"name": name, **words})
        assert status == 200, answer
        on.extend(answer["faults"])

    yield change
    for rule in admin.get(FAULTS)["faults"]:
        words = {key: rule[key] for key in ("name", "cluster", "node")}
        assert admin.call("PUT", FAULTS, {**words, "on": False})[0] == 200


def nodes(person: Person, job: str) -> dict[str, dict[str, Any]]:
    """The rows of the node table, by name."""
    found = person.get(f"/api/v2/jobs/{job}/context/")["nodes"]
    return {node["name"]: node for node in found}


def ends(person: Person, job: str) -> dict[str, Any]:
    """Wait until the job is over; how it ended."""
    person.wait_for_cluster(job, "Stopped", 120)
    found: dict[str, Any] = person.get(f"/api/v2/jobs/{job}/")
    return found


def cluster_of(person: Person, job: str) -> str:
    """The id of the job's cluster."""
    return str(person.instances(job)[0]["clusterId"])


def printed(person: Person, job: str) -> str:
    """What the command wrote."""
    return "\n".join(event["message"] for event in person.events(job) if event["source"] == "program")


def test_slow_boot_is_seen_in_the_boot_stream_and_the_job_runs_when_it_is_over(
    person: Person, switch: Callable[..., None]
) -> None:
    switch("slow_boot", cluster="next", node="compute-1", seconds=500)
    job = person.submit("echo done at last", slots=2)
    person.wait_for_message(job, "head reports OK.")

    def told() -> bool:
        found = nodes(person, job)
        return (found["head"]["state"], found["compute-1"]["state"]) == ("running", "booting")

    wait_for(told, "one node is up, one boots", every=0.1)
    assert "Instance ready" not in person.messages(job)
    switch("slow_boot", cluster=cluster_of(person, job), node="compute-1", on=False)
    assert ends(person, job)["outcome"] == "succeeded"
    assert "done at last" in printed(person, job)


def test_a_node_that_dies_fails_the_job_and_names_the_node(
    person: Person, switch: Callable[..., None]
) -> None:
    job = person.submit("sleep 600", slots=2)
    person.wait_for_message(job, "Launched the command")
    switch("node_dies", cluster=cluster_of(person, job), node="compute-1")
    person.wait_for_message(job, "compute-1 failed: it lost power.")
    found = ends(person, job)
    assert found["outcome"] == "error"
    assert "compute-1 failed while it ran: it lost power." in found["outcomeReason"]


def test_what_was_written_before_a_compute_node_died_is_stored_before_the_job_fails(
    person: Person, switch: Callable[..., None]
) -> None:
    job = person.submit(
        "echo so far > result.txt; sync; trap 'echo told >> result.txt; exit' TERM; sleep 600 & wait", slots=2
    )
    person.wait_for_message(job, "Launched the command")
    wait_for(lambda: "Process output follows" in printed(person, job), "the command has begun")
    switch("node_dies", cluster=cluster_of(person, job), node="compute-1")
    found = ends(person, job)
    assert (found["outcome"], found["outcomeReason"]) == (
        "error",
        "compute-1 failed while it ran: it lost power.",
    )
    listed = {file["relativePath"]: file for file in person.get(f"/api/v2/jobs/{job}/files/")["results"]}
    assert set(listed) == {"process_output.log", "result.txt"}
    assert person.call("GET", f"/api/v2/files/{listed['result.txt']['id']}/contents/")[1] == "so far\ntold\n"
    said = person.messages(job)
    assert "compute-1 failed while it ran: it lost power. The head node is up" in said
    assert (
        said.index("Stored 2 output file(s)")
        < said.index("Job completed")
        < said.index("The cluster is shut down")
    )


def test_a_cluster_without_a_command_keeps_its_files_when_a_compute_node_dies(
    person: Person, switch: Callable[..., None], key: Path, tmp_path: Path
) -> None:
    members = "".join(
        f'[[members]]\nname = "{name}"\ncore_type = "emerald"\n' for name in ("head", "compute-1")
    )
    status, cluster = person.call(
        "POST", "/api/v2/clusters/", {"definition": f'name = "x"\nhours = 1\n{members}'}
    )
    assert status == 201, cluster
    job = cluster["jobId"]
    person.wait_for_message(job, "The cluster is yours")
    person.ssh_config(job, key, tmp_path)("echo by hand > ~/work/shared/notes.txt")
    switch("node_dies", cluster=cluster_of(person, job), node="compute-1")
    assert ends(person, job)["outcome"] == "error"
    listed = person.get(f"/api/v2/jobs/{job}/files/")["results"]
    assert [file["relativePath"] for file in listed] == ["notes.txt"]


def test_a_cut_network_is_the_commands_to_notice_and_the_job_goes_on(
    person: Person, switch: Callable[..., None]
) -> None:
    switch("network_cut", cluster="next", node="compute-1")
    # The one that is cut off never answers; the other may take its time.
    reached = "ssh -o ConnectTimeout=$1 $2 true && echo $2 is there || echo $2 is away"
    command = f"reach() {{ {reached}; }}; reach 4 compute-1; reach 60 compute-2"
    job = person.submit(command, slots=3)
    assert ends(person, job)["outcome"] == "succeeded"
    assert "compute-1 is away" in printed(person, job)
    assert "compute-2 is there" in printed(person, job)
    assert "Logged in to 3 nodes" in person.messages(job), "the portal itself reaches every node"


def test_a_full_disk_is_said_by_the_command_in_the_log(
    person: Person, switch: Callable[..., None], key: Path, tmp_path: Path
) -> None:
    waits = "touch /tmp/wait /tmp/untried; while [ -e /tmp/wait ]; do sleep 0.1; done"
    command = f"{waits}; cp /bin/ls ~/copy; echo status $?; rm /tmp/untried"
    job = person.submit(command)
    person.wait_for_message(job, "Launched the command")
    ssh = person.ssh_config(job, key, tmp_path)
    wait_for(lambda: ssh.run("test -e /tmp/wait").returncode == 0, "the command runs")
    switch("disk_full", cluster=cluster_of(person, job), node="head")
    refused = ssh.run("echo more > ~/work/shared/more")
    assert (refused.returncode, "No space left on device" in refused.stderr) == (1, True)
    ssh("rm /tmp/wait")
    wait_for(lambda: ssh.run("test -e /tmp/untried").returncode == 1, "the command has tried", every=0.1)
    switch("disk_full", cluster=cluster_of(person, job), node="head", on=False)
    assert ends(person, job)["outcome"] == "succeeded"
    assert "No space left on device" in printed(person, job)
    assert "]: status 1" in printed(person, job)


def test_a_disk_that_is_full_from_the_boot_on_stops_the_launch_and_says_why(
    person: Person, switch: Callable[..., None]
) -> None:
    switch("disk_full", cluster="next")
    job = person.submit("echo never")
    said = person.wait_for_message(job, "No space left on device")
    assert said == "Trying again soon: The node's disk is full: No space left on device."
    switch("disk_full", cluster=cluster_of(person, job), on=False)
    assert ends(person, job)["outcome"] == "succeeded", "there is room again, and it goes on by itself"


def test_what_does_not_fit_is_refused_with_what_is_free(person: Person, portal: Stack) -> None:
    admin = with_token(portal)
    assert admin.call("PUT", CAPACITY, {"coreType": "emerald", "cores": 3})[0] == 200
    try:
        job = person.submit("true", slots=4)
        found = ends(person, job)
    finally:
        admin.call("PUT", CAPACITY, {"coreType": "emerald", "cores": None})
    assert found["outcome"] == "error"
    assert re.fullmatch(
        r"Could not allocate compute resources from the compute provider\. "
        r"4 emerald cores were asked for, \d of 3 are free\.",
        found["outcomeReason"],
    )


def test_no_capacity_is_the_same_refusal(person: Person, switch: Callable[..., None]) -> None:
    switch("no_capacity", cluster="next")
    job = person.submit("true")
    assert "Could not allocate compute resources" in ends(person, job)["outcomeReason"]


def test_a_cloud_that_is_down_is_tried_again_and_costs_nothing_but_time(
    person: Person, switch: Callable[..., None]
) -> None:
    switch("api_down")
    job = person.submit("echo all the same")
    said = person.wait_for_message(job, "Trying again soon:")
    assert said == "Trying again soon: The simulator answered 503: The cloud's API is down."
    switch("api_down", on=False)
    assert ends(person, job)["outcome"] == "succeeded"


def test_a_slow_cloud_takes_longer_and_nothing_is_done_twice(
    person: Person, switch: Callable[..., None]
) -> None:
    switch("api_slow", cluster="next", seconds=0.3)
    began = time.monotonic()
    job = person.submit("echo slowly >> marks; cat marks")
    assert ends(person, job)["outcome"] == "succeeded"
    assert time.monotonic() - began > 1, "the cloud was asked more than three times"
    assert printed(person, job).count("]: slowly") == 1


def test_everything_twice_is_as_if_it_were_once(
    person: Person, switch: Callable[..., None], cloud: httpx.Client
) -> None:
    switch("duplicate_answers", cluster="next")
    job = person.submit("echo once >> marks; cat marks", slots=2)
    assert ends(person, job)["outcome"] == "succeeded"
    messages = [event["message"] for event in person.events(job)]
    for once in (
        "Order accepted",
        "head phoned home",
        "head reports OK.",
        "compute-1 reports OK.",
        "Instance ready",
        "Launched the command",
        "Job completed",
    ):
        assert sum(message.startswith(once) for message in messages) == 1, once
    assert printed(person, job).count("]: once") == 1
    wait_for(
        lambda: job not in str(cloud.get("/v1/clusters").json()["clusters"]), "nothing is left in the cloud"
    )

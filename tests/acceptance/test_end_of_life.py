"""What ends when: with auto-terminate on, and with it off."""

import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance


def states(person: Person, job: str) -> dict[str, str]:
    return {instance["name"]: instance["status"] for instance in person.instances(job)}


def order(person: Person, job: str, *texts: str) -> list[int]:
    """Where in the log each text stands."""
    messages = [event["message"] for event in person.events(job)]
    return [next(i for i, message in enumerate(messages) if text in message) for text in texts]


def test_output_files_are_in_storage_before_the_head_goes(stack: Stack) -> None:
    person = with_token(stack)
    job = person.submit("mkdir -p sub; echo deep > sub/deep.txt; ln -s /etc/passwd link; echo done", slots=2)
    person.wait_for_cluster(job, "Stopped")
    places = order(
        person,
        job,
        "The command ended",
        "shut down.",
        "Stored 2 output",
        "Job completed",
        "The cluster is shut",
    )
    assert places == sorted(places)
    listed = person.get(f"/api/v2/jobs/{job}/files/")["results"]
    assert {file["relativePath"] for file in listed} == {"process_output.log", "sub/deep.txt"}
    assert "link: a link that leads out of the work directory" in person.messages(job)
    deep = next(file for file in listed if file["name"] == "deep.txt")
    assert person.call("GET", f"/api/v2/files/{deep['id']}/contents/") == (200, "deep\n")


def test_with_auto_terminate_off_the_head_stays_until_terminate(stack: Stack) -> None:
    person = with_token(stack)
    person.call("PATCH", "/api/v2/users/me/job-settings/", {"autoTerminateCluster": False})
    try:
        job = person.submit("echo done", slots=3)
    finally:
        person.call("PATCH", "/api/v2/users/me/job-settings/", {"autoTerminateCluster": True})
    person.wait_for_message(job, "The head node stays")
    wait_for(
        lambda: states(person, job) == {"head": "running", "compute-1": "stopped", "compute-2": "stopped"},
        "only the head node runs",
    )
    assert person.get(f"/api/v2/jobs/{job}/statuses/")["results"][0]["status"] == "Completed"
    assert person.get(f"/api/v2/jobs/{job}/cluster_statuses/")["results"][0]["status"] == "Started"
    assert person.call("DELETE", f"/api/v2/jobs/{job}/")[0] == 400
    assert person.call("POST", f"/api/v2/jobs/{job}/stop/")[0] == 202
    assert person.call("POST", f"/api/v2/jobs/{job}/stop/")[0] == 202
    person.wait_for_cluster(job, "Stopped")
    assert person.call("DELETE", f"/api/v2/jobs/{job}/")[0] == 204
    assert person.call("GET", f"/api/v2/jobs/{job}/")[0] == 404


def test_a_failed_command_says_so(stack: Stack) -> None:
    person = with_token(stack)
    job = person.submit("echo broken >&2; exit 7")
    person.wait_for_cluster(job, "Stopped")
    row = person.get(f"/api/v2/jobs/{job}/statuses/")["results"][0]
    assert row["status"] == "Completed"
    assert "7" in row["statusReason"]


def test_walltime_ends_the_command(stack: Stack) -> None:
    person = with_token(stack)
    job = person.submit("echo began; sleep 600", walltime=3 / 3600)
    person.wait_for_cluster(job, "Stopped")
    assert person.get(f"/api/v2/jobs/{job}/statuses/")["results"][0]["statusReason"] == "Walltime exceeded"

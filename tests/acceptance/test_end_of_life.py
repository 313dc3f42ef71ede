"""What ends when: with auto-terminate on, and with it off."""

import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def portal(stack: Stack) -> Stack:
    """The one that runs anyway."""
    return stack


# Whatever serves SFTP on the node stands still a moment after it has begun.
STOPS_SFTP = """
while :; do
    for each in /proc/[0-9]*; do
        read -r name 2> /dev/null < $each/comm && [ "$name" = sftp-server ] && kill -STOP ${each#/proc/}
    done
done
"""


def stored(person: Person, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"/api/v2/jobs/{job}/files/?page_size=100")["results"]
    return found


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


def test_what_was_made_on_a_kept_head_is_stored_before_it_goes(
    key: Path, person: Person, tmp_path: Path
) -> None:
    person.call("PATCH", "/api/v2/users/me/job-settings/", {"autoTerminateCluster": False})
    try:
        job = person.submit("echo first > kept.txt; echo first > changed.txt")
    finally:
        person.call("PATCH", "/api/v2/users/me/job-settings/", {"autoTerminateCluster": True})
    person.wait_for_message(job, "The head node stays")
    before = {file["relativePath"]: file["id"] for file in stored(person, job)}
    person.ssh_config(job, key, tmp_path)(
        "cd work/shared; echo second >> changed.txt; mkdir post; echo plot > post/plot.txt"
    )
    assert person.call("POST", f"/api/v2/jobs/{job}/stop/")[0] == 202
    person.wait_for_cluster(job, "Stopped")
    after = {file["relativePath"]: file["id"] for file in stored(person, job)}
    assert set(after) == {*before, "post/plot.txt"}
    assert after["kept.txt"] == before["kept.txt"]
    contents = {name: person.call("GET", f"/api/v2/files/{after[name]}/contents/")[1] for name in after}
    assert (contents["changed.txt"], contents["post/plot.txt"]) == ("first\nsecond\n", "plot\n")
    told = person.messages(job)
    assert "New or changed since then: 2 file(s) of the kept head node are stored, too." in told
    assert told.index("New or changed since then") < told.index("Shutting the cluster down")


def test_a_kept_head_that_answers_nothing_goes_in_time(key: Path, person: Person, tmp_path: Path) -> None:
    person.call("PATCH", "/api/v2/users/me/job-settings/", {"autoTerminateCluster": False})
    try:
        job = person.submit("true")
    finally:
        person.call("PATCH", "/api/v2/users/me/job-settings/", {"autoTerminateCluster": True})
    person.wait_for_message(job, "The head node stays")
    ssh = person.ssh_config(job, key, tmp_path)
    ssh(f"cd work/shared; seq 3000 | xargs touch; echo {shlex.quote(STOPS_SFTP)} > ~/stop")
    ssh("setsid sh ~/stop < /dev/null > /dev/null 2>&1 & until pgrep -f /stop; do :; done")
    began = time.monotonic()
    assert person.call("POST", f"/api/v2/jobs/{job}/stop/")[0] == 202
    person.wait_for_cluster(job, "Stopped", 60)
    assert time.monotonic() - began <= 40
    assert "could not all be stored in time" in person.messages(job)


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

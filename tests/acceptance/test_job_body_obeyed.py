"""What the body of a job says happens on its cluster: scripts before and after, several analyses, filters, rules."""

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.people import Person, with_token
from tests.acceptance.test_input_files import upload
from tests.stack import Stack

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def portal(stack: Stack) -> Stack:
    return stack


def _analysis(command: str, **more: Any) -> dict[str, Any]:
    hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": []}
    return {"analysis": {"code": "user_included"}, "command": command, "hardware": hardware, **more}


def _submit(person: Person, analyses: list[dict[str, Any]], **more: Any) -> str:
    status, job = person.call("POST", "/api/v2/jobs/", {"name": "obeyed", "jobanalyses": analyses, **more})
    assert status == 201, job
    assert person.call("POST", f"/api/v2/jobs/{job['id']}/submit/")[0] == 200
    return str(job["id"])


def _job(person: Person, job: str) -> dict[str, Any]:
    found: dict[str, Any] = person.get(f"/api/v2/jobs/{job}/")
    return found


def test_analyses_run_in_order_each_with_its_own(stack: Stack) -> None:
    person = with_token(stack)
    script = upload(person, "before.sh", b"echo prepared $CASE > prepared.txt\n")
    first = _analysis(
        "cat prepared.txt; echo one > one.txt; echo mpi $OMPI_MCA_orte_default_hostfile; cat ~/machinefile",
        envVars={"CASE": "A"},
        useMpi=True,
        preProcessScript={"id": script},
        preProcessScriptCommand="bash before.sh",
        postProcessScriptCommand="wc -c < one.txt",
    )
    second = _analysis(
        "cat one.txt; echo case=$CASE; exit 4", inputFiles=[{"id": upload(person, "b.txt", b"b")}]
    )
    third = _analysis("echo never")
    job = _submit(person, [first, second, third], archiveFilters=[{"selector": "*.txt"}])
    person.wait_for_cluster(job, "Stopped")

    story = person.messages(job)
    for part in ("]: prepared A", "/machinefile", "]: head:1", "]: 4", "]: one", "]: case=", "did not run"):
        assert part in story, part
    assert "]: never" not in story
    found = _job(person, job)
    assert [analysis["exitCode"] for analysis in found["jobanalyses"]] == [0, 4, None]
    assert (found["exitCode"], found["outcome"]) == (4, "failed")
    files = {file["relativePath"] for file in person.get(f"/api/v2/jobs/{job}/files/")["results"]}
    assert files == {"process_output.log", "prepared.txt", "one.txt"}


def test_only_what_a_filter_names_is_kept(stack: Stack) -> None:
    person = with_token(stack)
    command = "mkdir -p logs; touch a.vtk b.dat logs/x.log logs/y.dat"
    job = _submit(person, [_analysis(command)], archiveFilters=["*.vtk", "logs/*.log"])
    person.wait_for_cluster(job, "Stopped")

    files = {file["relativePath"] for file in person.get(f"/api/v2/jobs/{job}/files/")["results"]}
    assert files == {"process_output.log", "a.vtk", "logs/x.log"}
    assert "2 file(s) match no archive filter" in person.messages(job)


def test_a_jobs_own_rule_decides_who_reaches_its_cluster(person: Person, key: Path, tmp_path: Path) -> None:
    """The person's own rules let this machine in; the rule of the one job does not."""
    closed = _submit(person, [_analysis("sleep 600")], cidrRule="192.0.2.0/24")
    open_to_me = _submit(person, [_analysis("sleep 600")], cidrRule="127.0.0.0/8")
    for job in (closed, open_to_me):
        person.wait_for_message(job, "Instance ready for ssh access")
    try:
        assert person.ssh_config(open_to_me, key, tmp_path)("echo in").strip() == "in"
        assert person.ssh_config(closed, key, tmp_path).run("echo in").returncode == 255
        status, refused = person.call("POST", "/api/v2/terminal-sessions/", {"job": closed, "node": "head"})
        assert (status, refused["reason"]) == (403, "cidr_denied")
    finally:
        for job in (closed, open_to_me):
            person.call("POST", f"/api/v2/jobs/{job}/stop/")
    for job in (closed, open_to_me):
        person.wait_for_cluster(job, "Stopped")


def test_run_forever_keeps_the_cluster(stack: Stack) -> None:
    person = with_token(stack)
    job = _submit(person, [_analysis("true", flags={"runForever": True})])
    person.wait_for_message(job, "The head node stays")
    try:
        assert person.get(f"/api/v2/jobs/{job}/cluster_statuses/")["results"][0]["status"] == "Started"
    finally:
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
    person.wait_for_cluster(job, "Stopped")

"""A job with software of the catalogue: its environment script runs before the command, in the same shell."""

import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack

pytestmark = pytest.mark.acceptance


def _run(person: Person, code: str, command: str) -> str:
    hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": 1}
    body = {"analysis": {"code": code}, "command": command, "hardware": hardware}
    status, job = person.call("POST", "/api/v2/jobs/", {"name": code, "jobanalyses": [body]})
    assert status == 201, job
    assert person.call("POST", f"/api/v2/jobs/{job['id']}/submit/")[0] == 200
    person.wait_for_cluster(job["id"], "Stopped")
    return person.messages(job["id"])


def test_an_environment_script_runs_before_the_command(stack: Stack) -> None:
    person = with_token(stack)
    script = 'export GREETING=hello\ngreet() { echo "$GREETING $1"; }\n'
    body = {
        "code": "greeter",
        "name": "Greeter",
        "versions": [{"versionCode": "1", "environmentScript": script}],
    }
    status, made = person.call("POST", "/api/v2/analyses/", body)
    assert status == 201, made
    try:
        story = _run(person, "greeter", "greet $(python -c 'print(6 * 7)')\nexit 3")
    finally:
        assert person.call("DELETE", "/api/v2/analyses/greeter/")[0] == 204
    assert "]: hello 42" in story
    assert "]: Launching greet $(python" in story
    assert "Exited with code 3" in story


def test_software_that_is_not_on_the_nodes_says_so(stack: Stack) -> None:
    story = _run(with_token(stack), "openfoam", "blockMesh")

    assert "OpenFOAM 12 is not installed on this node" in story
    assert "Exited with code 127" in story

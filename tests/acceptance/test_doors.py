"""A whole running portal: its own certificates, archives that are bombs, and too many requests."""

import io
import time
import zipfile

import pytest

from tests.acceptance.hostile import person_named
from tests.acceptance.people import with_token
from tests.acceptance.test_input_files import upload
from tests.stack import Stack

pytestmark = pytest.mark.acceptance


def test_a_bomb_among_the_inputs_is_refused_and_the_job_runs(stack: Stack) -> None:
    """The portal's bound certificates, without forwarding, carry it through: boot, staging, command, collection."""
    person = with_token(stack)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("first.dat", "x")
        with archive.open("zeros", "w", force_zip64=True) as member:
            for _ in range(700):
                member.write(bytes(1000**2))
    assert len(packed.getvalue()) < 800_000
    files = [{"id": upload(person, "bomb.zip", packed.getvalue())}]
    hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": 1}
    analysis = {"code": "user_included", "version": "0"}
    body = {
        "analysis": analysis,
        "command": "ls -A | tr '\\n' ' '",
        "hardware": hardware,
        "inputFiles": files,
    }
    status, job = person.call("POST", "/api/v2/jobs/", {"name": "bomb", "jobanalyses": [body]})
    assert status == 201, job
    assert person.call("POST", f"/api/v2/jobs/{job['id']}/submit/")[0] == 200
    person.wait_for_cluster(job["id"], "Stopped")
    story = person.messages(job["id"])
    assert "bomb.zip unpacks to more than 100 MB, which is too much for its size." in story
    assert "]: bomb.zip" in story
    assert "zeros" not in story
    assert "first.dat" not in story


def test_six_hundred_requests_at_once_are_too_many_and_polling_is_not(stack: Stack) -> None:
    # Somebody whom no other test is: what they may ask is used up then.
    person = person_named(stack, "greedy")
    began = time.monotonic()
    statuses = [person.call("GET", "/api/v2/coretypes/")[0] for _ in range(600)]
    allowed = statuses.count(200)
    assert statuses[:300] == [200] * 300
    # 300 at once, and 25 more for each second that it took.
    assert allowed <= 301 + 25 * (time.monotonic() - began)
    assert set(statuses) <= {200, 429}

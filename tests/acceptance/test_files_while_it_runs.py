"""A job's files on a real node of the simulator: written while it runs, seen by the command, stored at its end."""

from collections.abc import Iterator

import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack

pytestmark = pytest.mark.acceptance
COMMAND = "mkdir -p out; printf 'caf' > $'out/caf\\xe9'; until [ -e go ]; do sleep 0.1; done; cp go out/seen"


RULES = "/api/v2/users/me/access-rules/"


@pytest.fixture
def person(stack: Stack) -> Iterator[Person]:
    """An administrator who is let in from here, for this test only: others tell what another rule does."""
    found = with_token(stack)
    status, rule = found.call("POST", RULES, {"cidr": "127.0.0.0/8"})
    yield found
    if status == 201:
        found.call("DELETE", f"{RULES}{rule['id']}/")


def test_one_tree_before_during_and_after(person: Person) -> None:
    job = person.submit(COMMAND, name="files")
    base = f"/api/v2/jobs/{job}"
    person.wait_for_message(job, "Launched the command")

    top = person.get(f"{base}/tree/")
    assert (top["place"], top["complete"]) == ("node", True)
    assert {"shared"} <= {entry["name"] for entry in top["entries"]}

    status, made = person.call("PUT", f"{base}/tree/content/?path=shared/go", "content")
    assert (status, made["path"], made["kind"]) == (200, "shared/go", "file")
    person.wait_for_message(job, "Job completed")
    person.wait_for_cluster(job, "Stopped")

    stored = person.get(f"{base}/tree/?path=shared/out")
    assert stored["place"] == "storage"
    assert {entry["path"] for entry in stored["entries"]} == {"shared/out/caf%E9", "shared/out/seen"}
    status, text = person.call("GET", f"{base}/tree/content/?path=shared/out/seen")
    assert (status, text) == (200, "content")
    status, refusal = person.call("PUT", f"{base}/tree/content/?path=shared/go", "late")
    assert (status, refusal["reason"]) == (409, "folder_not_live")

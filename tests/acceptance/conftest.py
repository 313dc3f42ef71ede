"""For tests about nodes and their keys: a person with a key, jobs that run, a cloud that can be broken.

Each test module says in a fixture `portal` which portal it is about.
"""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.people import Person, with_token
from tests.acceptance.stranger import Stranger
from tests.stack import Stack

PASSWORD = "horse battery correct"


@pytest.fixture(scope="module")
def key(portal: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key of tess, a person of these tests' own, saved in Job Settings, and her way in from this machine."""
    portal.manage(
        "shell",
        "-c",
        # Another module may have been here, when the portal is the one that runs anyway.
        "from accounts.models import User; User.objects.filter(username='tess').exists() "
        f"or User.objects.create_user('tess', password='{PASSWORD}')",
    )
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", str(path)], check=True)
    person = with_token(portal, "tess", PASSWORD)
    body = {"name": path.parent.name, "publicKey": Path(f"{path}.pub").read_text()}
    assert person.call("POST", "/api/v2/users/me/ssh-keys/", body)[0] == 201
    rules = person.get("/api/v2/users/me/access-rules/")["results"]
    if "127.0.0.0/8" not in [rule["cidr"] for rule in rules]:
        assert person.call("POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.0/8"})[0] == 201
    return path


@pytest.fixture
def person(portal: Stack, key: Path) -> Person:
    """Tess, with a token."""
    return with_token(portal, "tess", PASSWORD)


@pytest.fixture
def jobs(person: Person) -> Iterator[Callable[..., str]]:
    """Submit jobs that run until told otherwise; they are stopped with the test."""
    made: list[str] = []

    def submit(slots: int = 2, ready: bool = True) -> str:
        made.append(person.submit("sleep 600", slots=slots, name="trust"))
        if ready:
            person.wait_for_message(made[-1], "Instance ready for ssh access")
        return made[-1]

    yield submit
    for job in made:
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
    for job in made:
        person.wait_for_cluster(job, "Stopped")


@pytest.fixture
def cloud(portal: Stack) -> Iterator[httpx.Client]:
    """The simulator's own API."""
    transport = httpx.HTTPTransport(uds=str(portal.var / "simulator.sock"))
    token = (portal.var / "simulator-token").read_text().strip()
    with httpx.Client(transport=transport, base_url="http://simulator", timeout=120) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


@pytest.fixture
def fault(cloud: httpx.Client) -> Iterator[Callable[..., None]]:
    """Switch a fault of the cloud on; it is off again after the test."""
    switched: set[str] = set()

    def switch(name: str, words: dict[str, Any] | None) -> None:
        switched.add(name)
        assert cloud.put("/v1/faults", json={name: words}).status_code == 200

    yield switch
    cloud.put("/v1/faults", json=dict.fromkeys(switched))


@pytest.fixture
def stranger(person: Person, key: Path, tmp_path: Path) -> Stranger:
    """A computer of tess's that knows the portal's `@cert-authority` line and nothing else."""
    return Stranger(tmp_path, key, person.get("/api/v2/host-authority/"))

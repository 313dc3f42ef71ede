"""Who may use which endpoint: the owner may, other users get 404, clients without a token get 401."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts.models import APIToken, User
from tests.api import client_of
from tests.factories import (
    AccessRuleFactory,
    BudgetFactory,
    ClusterFactory,
    JobFactory,
    MachineFactory,
    NodeFactory,
    SSHKeyFactory,
    StoredFileFactory,
    TerminalSessionFactory,
    UploadFactory,
)

pytestmark = pytest.mark.django_db


@dataclass
class Things:
    """One object of every kind, all of them alice's."""

    key: int
    rule: int
    job: str
    saved: str
    file: str
    session: str
    machine: int
    upload: str
    budget: int
    handle: str = "cluster-001"


@pytest.fixture
def things(alice: User) -> Things:
    AccessRuleFactory.create(owner=alice, cidr="127.0.0.0/8")
    cluster = ClusterFactory.create(job__owner=alice)
    NodeFactory.create(cluster=cluster)
    return Things(
        key=SSHKeyFactory.create(owner=alice).pk,
        rule=AccessRuleFactory.create(owner=alice).pk,
        job=cluster.job_id,
        saved=JobFactory.create(owner=alice).pk,
        file=StoredFileFactory.create(owner=alice).pk,
        session=TerminalSessionFactory.create(owner=alice, subject=f"job:{cluster.job_id}").pk,
        machine=MachineFactory.create(people=[alice]).pk,
        upload=UploadFactory.create(owner=alice).pk,
        budget=BudgetFactory.create(person=alice).pk,
    )


JOB = {
    "name": "x",
    "jobanalyses": [
        {
            "analysis": {"code": "user_included", "version": "0"},
            "command": "true",
            "hardware": {"coreType": "emerald", "coresPerSlot": 1},
        }
    ],
}

DEFINITION = 'name = "x"\nhours = 1\n[[members]]\nname = "head"\ncore_type = "emerald"\n'

# Method, path, status for the owner, body: every endpoint with an object of alice's in its path.
OWNED: list[tuple[str, str, int, Any]] = [
    ("get", "users/me/ssh-keys/{key}/", 200, None),
    ("patch", "users/me/ssh-keys/{key}/", 200, {"name": "laptop"}),
    ("delete", "users/me/ssh-keys/{key}/", 204, None),
    ("get", "users/me/access-rules/{rule}/", 200, None),
    ("delete", "users/me/access-rules/{rule}/", 204, None),
    ("get", "jobs/{job}/", 200, None),
    ("patch", "jobs/{job}/", 200, {"projectId": "p"}),
    ("put", "jobs/{saved}/", 200, JOB),
    ("delete", "jobs/{saved}/", 204, None),
    ("post", "jobs/{saved}/submit/", 200, None),
    ("post", "jobs/{job}/stop/", 202, None),
    ("post", "jobs/{job}/extend/", 200, {"seconds": 60}),
    ("get", "jobs/{job}/statuses/", 200, None),
    ("get", "jobs/{job}/cluster_statuses/", 200, None),
    ("get", "jobs/{job}/events/", 200, None),
    ("get", "jobs/{job}/logs/", 200, None),
    ("get", "jobs/{job}/instances/", 200, None),
    ("get", "jobs/{job}/connection_details/", 200, None),
    ("get", "jobs/{job}/known-hosts/", 200, None),
    ("get", "jobs/{job}/connect/", 200, None),
    ("get", "jobs/{job}/files/", 200, None),
    ("get", "jobs/{job}/runs/", 200, None),
    ("get", "jobs/{job}/runs/1/", 200, None),
    ("get", "jobs/{job}/runs/1/files/", 200, None),
    ("get", "clusters/{handle}/", 200, None),
    ("post", "clusters/{handle}/terminate/", 202, None),
    ("get", "files/{file}/", 200, None),
    ("get", "files/{file}/contents/", 200, None),
    ("get", "files/{file}/lines/", 200, None),
    ("delete", "files/{file}/", 204, None),
    ("get", "uploads/{upload}/", 200, None),
    ("get", "machines/{machine}/", 200, None),
    ("get", "budgets/{budget}/", 200, None),
    ("get", "terminal-sessions/{session}/", 200, None),
    ("delete", "terminal-sessions/{session}/", 204, None),
]
# Endpoints where every user has objects of their own.
OWN: list[tuple[str, str, int, Any]] = [
    ("get", "", 200, None),
    ("get", "users/me/", 200, None),
    ("get", "users/me/projects/", 200, None),
    ("get", "users/me/job-settings/", 200, None),
    ("patch", "users/me/job-settings/", 200, {"sshAccess": False}),
    ("get", "users/me/ssh-keys/", 200, None),
    ("get", "users/me/access-rules/", 200, None),
    ("post", "users/me/access-rules/", 201, {"cidr": "192.0.2.0/24"}),
    ("get", "coretypes/", 200, None),
    ("get", "analyses/", 200, None),
    ("get", "billing/computeprices/", 200, None),
    ("get", "jobs/", 200, None),
    ("post", "jobs/", 201, JOB),
    ("post", "jobs/estimate/", 200, JOB),
    ("get", "clusters/", 200, None),
    ("post", "clusters/?check=true", 200, {"definition": DEFINITION}),
    ("get", "budgets/", 200, None),
    ("get", "files/", 200, None),
    ("get", "uploads/", 200, None),
    ("get", "terminal-sessions/", 200, None),
    ("get", "machines/", 200, None),
    ("get", "host-authority/", 200, None),
    ("get", "user-authority/", 200, None),
]


def _call(client: APIClient, method: str, path: str, things: Things, body: Any, version: str = "v2") -> Any:
    url = f"/api/{version}/" + path.format(**vars(things))
    answer = getattr(client, method)(url, body, format="json")
    if answer.streaming:
        answer.getvalue()  # read to the end, which closes the file
    return answer


@pytest.mark.parametrize(("method", "path", "code", "body"), [*OWNED, *OWN])
def test_the_owner_may(alice: User, things: Things, method: str, path: str, code: int, body: Any) -> None:
    assert _call(client_of(alice), method, path, things, body).status_code == code


@pytest.mark.parametrize(("method", "path", "code", "body"), OWNED)
def test_a_stranger_finds_nothing_there(
    charlie: User, things: Things, method: str, path: str, code: int, body: Any
) -> None:
    answer = _call(client_of(charlie), method, path, things, body)

    assert answer.status_code == 404
    assert answer.json()["reason"] == "not_found"


@pytest.mark.parametrize("path", [path for method, path, _, _ in OWN if method == "get"])
def test_a_strangers_own_lists_hold_nothing_of_alices(charlie: User, things: Things, path: str) -> None:
    answer = _call(client_of(charlie), "get", path, things, None)

    assert answer.status_code == 200
    for thing in (things.job, things.saved, things.file, things.session, things.upload):
        assert thing not in answer.content.decode()


NO_TOKEN: list[dict[str, str]] = [
    {},
    {"HTTP_AUTHORIZATION": "Token nonsense"},
    {"HTTP_AUTHORIZATION": "Token"},
    {"HTTP_AUTHORIZATION": "Bearer \xff"},
    {"HTTP_AUTHORIZATION": "Basic YWxpY2U6eA=="},
]


@pytest.mark.parametrize(("method", "path", "code", "body"), [*OWNED, *OWN])
def test_nobody_without_a_good_token(things: Things, method: str, path: str, code: int, body: Any) -> None:
    for version, header in product(["v2", "v3"], NO_TOKEN):
        client = APIClient()
        client.credentials(**header)
        answer = _call(client, method, path, things, body, version)

        assert answer.status_code == 401, (version, header)
        assert answer["WWW-Authenticate"] == "Token"
        assert answer.json()["detail"]


NO_IDS = ["no-such", "0", "%00", "../..", "9" * 60, "%F0%9F%98%80", "A" * 300, "'", "-1", "1.0", "%C2%B2"]


@pytest.mark.parametrize(("method", "path", "code", "body"), OWNED)
def test_an_id_nothing_has_is_not_found(alice: User, method: str, path: str, code: int, body: Any) -> None:
    client = client_of(alice)
    for name in NO_IDS:
        nothing = Things(
            key=name,  # type: ignore[arg-type]  # a text where a number belongs
            rule=name,  # type: ignore[arg-type]  # a text where a number belongs
            job=name,
            saved=name,
            file=name,
            session=name,
            machine=name,  # type: ignore[arg-type]  # a text where a number belongs
            upload=name,
            budget=name,  # type: ignore[arg-type]  # a text where a number belongs
            handle=name,
        )

        assert _call(client, method, path, nothing, body).status_code == 404, name


def test_a_token_ends_with_its_row(alice: User) -> None:
    client = client_of(alice)
    APIToken.objects.all().delete()

    assert client.get("/api/v2/users/me/").status_code == 401


def test_a_person_who_was_switched_off_is_out(alice: User) -> None:
    client = client_of(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert client.get("/api/v2/users/me/").status_code == 401


def test_a_browser_comes_with_its_cookie_and_writes_with_its_csrf_token(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)

    assert client.get("/api/v2/users/me/").status_code == 200
    refused = client.post("/api/v2/users/me/access-rules/", {"cidr": "192.0.2.1"}, format="json")
    assert (refused.status_code, refused.json()["reason"]) == (403, "csrf_failed")

    token = "a" * 32
    client.cookies[_csrf_cookie()] = token
    allowed = client.post(
        "/api/v2/users/me/access-rules/", {"cidr": "192.0.2.1"}, format="json", headers={"X-CSRFToken": token}
    )
    assert allowed.status_code == 201


def _csrf_cookie() -> str:

    return str(settings.CSRF_COOKIE_NAME)

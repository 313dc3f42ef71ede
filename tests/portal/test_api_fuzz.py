"""Whatever a client sends, the response is never a 500 and never contains a traceback."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from tests.api import client_of, send
from tests.factories import (
    AccessRuleFactory,
    ClusterFactory,
    JobFactory,
    MachineFactory,
    NodeFactory,
    SSHKeyFactory,
)
from tests.portal.test_api_permissions import DEFINITION, JOB

pytestmark = pytest.mark.django_db

BIG = 10**400
SCALARS: list[str] = [
    "null", "true", "false", "0", "-1", "1.5", "1e999", "-1e999", "1e308", str(2**63), str(2**64), str(BIG),
    '""', '" "', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"', '"\\u202e"', '"\\n"', '"1"', '"NaN"',
    '"-0"', '"\\u0661"', '"' + "x" * 100_000 + '"', '"' + "9" * 5000 + '"',
    "[]", "{}", "[null]", "[[]]", "[{}]", '[""]', '{"code":null}', '{"code":"\\u0000"}', '{"id":"x"}', '{"":0}',
    '{"\\ud800":null}', '{"\\u0000":1}',
    "[" * 30 + "]" * 30,
]  # fmt: skip
BODIES: list[bytes] = [
    b"",
    b" ",
    b"{",
    b"NaN",
    b"[NaN]",
    b"Infinity",
    b'{"a":-Infinity}',
    b"\xff\xfe",
    b"\x00",
    b'"\xed\xa0\x80"',
    b"[" * 100_000,
    b"[" * 900 + b"]" * 900,
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b"9" * 5000,
    b"\xef\xbb\xbf{}",
    *[scalar.encode() for scalar in SCALARS],
]
TYPES = [
    "application/json",
    "application/json; charset=zlib",
    "application/json; charset=no-such",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=zlib",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/toml",
    "x",
    "",
    "application/" + "x" * 3000,
]

MACHINE = {
    "name": "x",
    "host": "login.example.org",
    "port": 22,
    "username": "sim",
    "hostKey": "ssh-ed25519 AAAA",
    "scheduler": "pbs",
    "notes": "x",
    "enabled": True,
    "everyone": False,
    "people": ["alice"],
}

# Every endpoint that accepts a body, with a valid body.
DOORS: list[tuple[str, str, dict[str, Any]]] = [
    ("post", "/api-token-auth/", {"username": "x", "password": "y"}),
    ("post", "/api/v2/users/me/ssh-keys/", {"name": "x", "publicKey": "ssh-ed25519 AAAA"}),
    ("patch", "/api/v2/users/me/ssh-keys/{key}/", {"name": "x"}),
    ("post", "/api/v2/users/me/access-rules/", {"cidr": "192.0.2.1", "note": "x"}),
    ("patch", "/api/v2/users/me/job-settings/", {"sshAccess": True, "autoTerminateCluster": True}),
    (
        "post",
        "/api/v2/jobs/",
        {**JOB, "isLowPriority": True, "projectId": "x", "autoTerminateCluster": True},
    ),
    ("post", "/api/v2/jobs/estimate/", {**JOB, "projectId": "x"}),
    ("patch", "/api/v2/jobs/{saved}/", {"name": "x", "projectId": "x", "jobanalyses": JOB["jobanalyses"]}),
    ("put", "/api/v2/jobs/{saved}/", JOB),
    ("patch", "/api/v2/jobs/{job}/", {"name": "x", "projectId": "x"}),
    ("post", "/api/v2/jobs/{saved}/submit/", {"waiveSla": True}),
    ("post", "/api/v2/jobs/{job}/stop/", {}),
    ("post", "/api/v2/jobs/{job}/extend/", {"seconds": 60, "until": "2026-01-01T00:00:00Z"}),
    ("post", "/api/v2/clusters/", {"definition": DEFINITION}),
    ("post", "/api/v2/clusters/cluster-001/terminate/", {}),
    ("post", "/api/v2/files/contents/", {"file": "x"}),
    ("put", "/api/v2/files/contents/", {"file": "x"}),
    ("post", "/api/v2/terminal-sessions/", {"job": "{job}", "node": "head", "cols": 80, "rows": 24}),
    ("post", "/api/v2/terminal-sessions/", {"machine": 1, "cols": 80, "rows": 24}),
    ("post", "/api/v2/machines/", MACHINE),
    ("patch", "/api/v2/machines/{machine}/", MACHINE),
]


@pytest.fixture
def names(alice: User) -> dict[str, Any]:
    """Objects of alice's. She is an administrator, so that no endpoint refuses before it has parsed the body."""
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    AccessRuleFactory.create(owner=alice, cidr="127.0.0.0/8")
    cluster = ClusterFactory.create(job__owner=alice)
    NodeFactory.create(cluster=cluster)
    return {
        "key": SSHKeyFactory.create(owner=alice).pk,
        "job": cluster.job_id,
        "saved": JobFactory.create(owner=alice).pk,
        "machine": MachineFactory.create().pk,
    }


def _send(client: APIClient, method: str, path: str, body: bytes, content_type: str) -> None:
    answer = send(client, method.upper(), path, body, content_type)
    assert answer.status_code < 500, (body[:200], answer.content[:500])
    if answer.status_code >= 400:
        told = answer.json()
        assert isinstance(told, dict), told
        assert told, body[:200]


def _filled(liked: Any, names: dict[str, Any]) -> Any:
    return json.loads(json.dumps(liked).replace("{job}", names["job"]))


@pytest.mark.parametrize(("method", "path", "liked"), DOORS)
def test_garbage_for_a_body(
    alice: User, names: dict[str, Any], method: str, path: str, liked: dict[str, Any]
) -> None:
    client = client_of(alice)
    for body in BODIES:
        _send(client, method, path.format(**names), body, "application/json")
    for content_type in TYPES:
        for body in (b"", b"{}", b"a=%00&b=%ff", b"--x\r\n\r\n--x--", b"\xff" * 100, b"=&" * 3000):
            _send(client, method, path.format(**names), body, content_type)


@pytest.mark.parametrize(("method", "path", "liked"), DOORS)
def test_garbage_for_each_value(
    alice: User, names: dict[str, Any], method: str, path: str, liked: dict[str, Any]
) -> None:
    client = client_of(alice)
    document = json.dumps(_filled(liked, names))
    for place in _places(json.loads(document)):
        for scalar in SCALARS:
            body = _with(json.loads(document), place, scalar)
            _send(
                client,
                method,
                path.format(**names),
                body.encode("utf-8", "surrogatepass"),
                "application/json",
            )


@pytest.mark.parametrize(("method", "path", "liked"), [door for door in DOORS if "jobs/" in door[1]][:4])
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_json_anywhere(
    alice: User, names: dict[str, Any], method: str, path: str, liked: dict[str, Any], data: st.DataObject
) -> None:
    document = _filled(liked, names)
    place = data.draw(st.sampled_from(list(_places(document))))
    body = _with(document, place, json.dumps(data.draw(ANY_JSON)))
    _send(client_of(alice), method, path.format(**names), body.encode(), "application/json")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=8,
)

QUERIES = [
    "page=0", "page=-1", "page=%00", "page=" + "9" * 5000, "page=last", "page_size=0", "page_size=-1",
    "page_size=" + "9" * 5000, "page_size=%F0%9F%98%80", "t=%00", "state=%00", "job_status=%00", "job_status=,",
    "job_status=" + "x" * 5000, "ordering=%00", "ordering=owner__password", "ordering=--name", "search=%00",
    "search=%ff", "search=" + "x" * 5000, "after=-1", "after=%00", "after=" + "9" * 5000, "after=1.5", "after=%C2%B2",
    "limit=0", "limit=-1", "limit=" + "9" * 5000, "limit=%00", "isActive=%00", "format=xml", "format=%00", "%00=%00",
    "page_size=1&page=2&page_size=3",
]  # fmt: skip
LISTS = [
    "users/me/ssh-keys/", "users/me/access-rules/", "users/me/projects/", "coretypes/", "analyses/",
    "billing/computeprices/", "jobs/", "clusters/", "files/", "terminal-sessions/", "machines/", "jobs/{job}/statuses/",
    "jobs/{job}/cluster_statuses/", "jobs/{job}/events/", "jobs/{job}/logs/", "jobs/{job}/instances/",
    "jobs/{job}/files/", "jobs/{job}/runs/", "jobs/{job}/runs/1/files/",
]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_garbage_in_the_query(alice: User, names: dict[str, Any], path: str) -> None:
    client = client_of(alice)
    for query in QUERIES:
        answer = client.get(f"/api/v2/{path.format(**names)}?{query}")
        assert answer.status_code in (200, 400, 404), query
        answer.json()


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "x", "image/png;q=0", "*/*;version=3", "\x00"])
def test_any_accept_header_gets_json(alice: User, accept: str) -> None:
    assert client_of(alice).get("/api/v2/jobs/", headers={"Accept": accept}).json()["results"] == []


def test_a_refused_job_leaves_nothing(alice: User) -> None:
    client = client_of(alice)
    for scalar in SCALARS:
        send(client, "POST", "/api/v2/jobs/", scalar.encode(), "application/json")

    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        '{"sshAccess": ' + "[" * 41 + "]" * 41 + "}",
        '{"a": {"\\ud800": 1}}',
        '{"sshAccess": NaN}',
        "{",
    ],
)
def test_a_body_nobody_should_read_on_is_refused_as_a_whole(alice: User, body: str) -> None:
    answer = client_of(alice).generic(
        "PATCH", "/api/v2/users/me/job-settings/", body, content_type="application/json"
    )

    assert (answer.status_code, answer.json()["reason"]) == (400, "parse_error")


@pytest.mark.parametrize("path", ["jobs/", "files/"])
def test_nul_is_nothing_to_search_for(alice: User, path: str) -> None:
    """SQLite accepts this; PostgreSQL refuses the query."""
    answer = client_of(alice).get(f"/api/v2/{path}?search=%00")

    assert answer.status_code == 400
    assert "search" in answer.json()


def test_a_body_of_ten_megabytes_is_413(alice: User) -> None:
    body = json.dumps({"name": "x", "publicKey": "A" * 10_000_000})
    answer = client_of(alice).generic(
        "POST", "/api/v2/users/me/ssh-keys/", body, content_type="application/json"
    )

    assert answer.status_code == 413
    assert answer.json()["reason"] == "too_large"


def test_a_form_of_ten_megabytes_is_413(alice: User) -> None:
    answer = client_of(alice).generic(
        "POST",
        "/api/v2/users/me/ssh-keys/",
        "name=x&publicKey=" + "A" * 10_000_000,
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code == 413


def test_a_body_of_another_kind_is_415(alice: User) -> None:
    answer = send(client_of(alice), "POST", "/api/v2/jobs/", b"<job/>", "application/xml")

    assert answer.status_code == 415
    assert answer.json()["reason"] == "unsupported_media_type"


def test_a_method_that_is_not_there_is_405(alice: User) -> None:
    answer = client_of(alice).delete("/api/v2/jobs/")

    assert answer.status_code == 405
    assert answer.json()["reason"] == "method_not_allowed"


def _places(document: Any, here: tuple[Any, ...] = ()) -> Any:
    yield here
    if isinstance(document, dict):
        for name, value in document.items():
            yield from _places(value, (*here, name))
    if isinstance(document, list):
        for number, value in enumerate(document):
            yield from _places(value, (*here, number))


MARK = "a place for garbage"


def _with(document: Any, place: tuple[Any, ...], garbage: str) -> str:
    """Return the document as text, with garbage in one place."""
    if not place:
        return garbage
    inner = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = MARK
    return json.dumps(document).replace(json.dumps(MARK), garbage)

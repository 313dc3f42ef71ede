"""Every route answers every method, signed in or not, with something better than a 500."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from tests.factories import (
    AccessRuleFactory,
    BudgetFactory,
    ClusterFactory,
    MachineFactory,
    NodeFactory,
    SSHKeyFactory,
    StoredFileFactory,
    TerminalSessionFactory,
    UploadFactory,
    token_of,
)

pytestmark = pytest.mark.django_db
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"]
# 503 where no simulator, worker or Redis runs in a test: these routes say so.
UNAVAILABLE = re.compile(
    r"/readyz|/administration/simulated-cloud/.*|/api/v2/simulator/.*|/api/v2/leftovers/.*"
)
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")
ACCEPTED = ["*/*", "text/html", "application/json", "application/yaml", "x/y", "", ";", "a/b;q=x"]


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Yield the path of every route, with `<name>` for each of its parameters."""
    for pattern in resolver.url_patterns:
        path = prefix + _text(pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, path)
        else:
            yield path


def _text(pattern: URLPattern | URLResolver) -> str:
    text = GROUP.sub(r"<\1>", str(pattern.pattern))
    return PARAMETER.sub(
        r"<\1>", text.removeprefix("^").removesuffix("$").removesuffix("\\Z").replace("\\", "")
    )


# v3 has the views of v2.
ROUTES = sorted(route for route in set(routes(get_resolver())) if not route.startswith("api/v3/"))


@pytest.fixture
def paths(alice: User) -> list[str]:
    """Every route as a path, with ids of alice's objects where it has parameters."""
    cluster = ClusterFactory.create(job__owner=alice)
    NodeFactory.create(cluster=cluster)
    session = TerminalSessionFactory.create(owner=alice, subject=f"job:{cluster.job_id}")
    ids = {
        "jobs": cluster.job_id,
        "files": StoredFileFactory.create(owner=alice).pk,
        "uploads": UploadFactory.create(owner=alice).pk,
        "terminal": session.pk,
        "budgets": BudgetFactory.create(person=alice).pk,
        "machines": MachineFactory.create(people=[alice]).pk,
        "access-rules": AccessRuleFactory.create(owner=alice).pk,
        "keys": SSHKeyFactory.create(owner=alice).pk,
        "clusters": "cluster-001",
    }
    return [_filled(route, ids) for route in ROUTES]


def _filled(route: str, ids: dict[str, Any]) -> str:
    """Put the id of the kind that the route names in the place of its first parameter, 1 in that of others."""
    kind = next((kind for kind in ids if kind in route), "")
    first = PARAMETER.sub(str(ids.get(kind, "no-such")), route, count=1)
    return "/" + PARAMETER.sub("1", first)


def clients(alice: User) -> dict[str, Client]:
    """Return nobody, a person, an administrator, and the person's program."""
    administrator = User.objects.create_superuser("root", "root@example.org", "correct horse battery")
    token = {"Authorization": f"Token {token_of(alice)}"}
    found = {"nobody": Client(raise_request_exception=False)}
    for name, user in (("person", alice), ("administrator", administrator)):
        found[name] = Client(raise_request_exception=False)
        found[name].force_login(user)
    return found | {"program": Client(raise_request_exception=False, headers=token)}


def failures(
    alice: User, paths: list[str], method: str, body: str = "", content_type: str = "x/y"
) -> list[str]:
    failed = []
    for who, client in clients(alice).items():
        for path in paths:
            if path == "/accounts/logout/":
                continue  # it would end the session that the rest needs
            with transaction.atomic():
                response = client.generic(method, path, body, content_type)
                if response.streaming:
                    response.getvalue()  # read to the end, which closes the file
                transaction.set_rollback(True)  # what DELETE removes is there for the next client
            is_expected = response.status_code == 503 and UNAVAILABLE.fullmatch(path) is not None
            if response.status_code >= 500 and not is_expected:
                failed.append(f"{who}: {method} {path}: {response.status_code}")
    return failed


def test_the_walk_finds_the_routes() -> None:
    assert len(ROUTES) > 100
    assert {"api/docs/", "api/v2/jobs/<id>/", "accounts/login/", "context/v1/register/"} <= set(ROUTES)


@pytest.mark.parametrize("method", METHODS)
def test_no_route_fails(alice: User, paths: list[str], method: str) -> None:
    assert failures(alice, paths, method) == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain"]
)
def test_no_route_fails_with_a_body(alice: User, paths: list[str], content_type: str) -> None:
    assert failures(alice, paths, "POST", '{"id": [1]}', content_type) == []


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
@pytest.mark.parametrize(
    "path", ["/api/docs/", "/api/docs/?script", "/api/schema/", "/api/v2/", "/api-token-auth/"]
)
def test_the_pages_about_the_api_whatever_is_accepted(method: str, path: str) -> None:
    client = Client(raise_request_exception=False)
    for accept in ACCEPTED if path != "/api/schema/" or method != "GET" else ACCEPTED[:3]:
        assert client.generic(method, path, headers={"Accept": accept}).status_code < 500, accept


@pytest.mark.parametrize("query", ["?format=x", "?lang=%00", "?version=x", "?lang=../..", "?page=x"])
@pytest.mark.parametrize("path", ["/api/docs/", "/api/schema/", "/api/v2/", "/accounts/login/", "/"])
def test_queries_that_mean_something_to_a_library(path: str, query: str) -> None:
    for method in ("GET", "OPTIONS"):
        assert Client(raise_request_exception=False).generic(method, path + query).status_code < 500

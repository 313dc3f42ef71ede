"""users/me/tokens/: made, listed and ended by API; scopes hold at every route; errors say why."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import APIToken, AuditEvent, User
from accounts.token_scopes import all_scopes
from tests.api import client_of
from tests.factories import APITokenFactory, JobFactory, SSHKeyFactory, TerminalSessionFactory, token_of

pytestmark = pytest.mark.django_db
URL = "/api/v2/users/me/tokens/"


def make(user: User, **body: Any) -> Any:
    return client_of(user).post(URL, {"name": "pipeline", **body}, format="json")


def with_scopes(user: User, *scopes: str) -> APIClient:
    token = APITokenFactory.create(
        owner=user, scopes=list(scopes), secret=(secret := f"hn_{'-'.join(scopes)}")
    )
    assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def test_the_secret_is_answered_once_and_only_its_digest_is_kept(alice: User) -> None:
    answer = make(alice, scopes=["jobs", "read"])
    assert answer.status_code == 201 and answer["Cache-Control"] == "no-store"
    made = answer.json()
    secret = made.pop("token")
    assert made["scopes"] == ["read", "jobs"]
    row = APIToken.objects.get(pk=made["id"])
    assert row.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(APIToken.objects.values())
    assert secret not in str(AuditEvent.objects.values())
    listed = client_of(alice).get(URL).json()["results"]
    assert made in listed and all("token" not in one and "digest" not in one for one in listed)
    client = APIClient(headers={"Authorization": f"Token {secret}"})
    assert client.get("/api/v2/jobs/").status_code == 200


def test_one_expires_after_90_days_unless_chosen_otherwise(alice: User, settings: Settings) -> None:
    def days(**body: Any) -> float:
        at = parse_datetime(make(alice, **body).json()["expiresAt"])
        assert at is not None
        return (at - timezone.now()) / timedelta(days=1)

    assert days() == pytest.approx(90, abs=0.1)
    assert days(expiresAt=(timezone.now() + timedelta(days=7)).isoformat()) == pytest.approx(7, abs=0.1)
    settings.HEADNODE_TOKEN_LONGEST_LIFE = timedelta(days=30)
    assert days() == pytest.approx(30, abs=0.1)


def test_none_outlives_what_the_administrator_allows(alice: User, settings: Settings) -> None:
    late = (timezone.now() + timedelta(days=400)).isoformat()
    for expires_at in (late, None):
        answer = make(alice, expiresAt=expires_at)
        assert (answer.status_code, answer.json()["reason"]) == (400, "expiry_too_late")
        assert "365 days" in answer.json()["expiresAt"][0]
    settings.HEADNODE_TOKEN_LONGEST_LIFE = timedelta(0)
    assert make(alice, expiresAt=None).json()["expiresAt"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "\u0000"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"scopes": [["read"]]}, "scopes"),
        ({"scopes": [None]}, "scopes"),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"expiresAt": 10**30}, "expiresAt"),
    ],
)
def test_a_body_that_is_wrong_names_its_field(alice: User, body: dict[str, Any], field: str) -> None:
    answer = make(alice, **body)
    assert answer.status_code == 400 and field in answer.json()
    assert alice.api_tokens.count() == 1


@pytest.mark.parametrize("body", ["[]", "null", "7", '"x"', "{", '{"name": {}}'])
def test_a_body_that_is_no_body(alice: User, body: str) -> None:
    answer = client_of(alice).post(URL, body, content_type="application/json")
    assert answer.status_code == 400


def test_an_ended_token_is_refused_with_its_reason_and_is_no_longer_listed(alice: User) -> None:
    client = client_of(alice)
    made = make(alice).json()
    assert client.delete(f"{URL}{made['id']}/").status_code == 204
    assert client.delete(f"{URL}{made['id']}/").status_code == 404
    assert made["id"] not in [one["id"] for one in client.get(URL).json()["results"]]
    ended = APIClient(headers={"Authorization": f"Token {made['token']}"}).get("/api/v2/jobs/")
    assert (ended.status_code, ended.json()["reason"]) == (401, "token_ended")
    assert (
        AuditEvent.objects.filter(action="accounts:api_token:revoked", object_id=str(made["id"])).count() == 1
    )


def test_an_expired_token_is_refused_with_its_reason(alice: User) -> None:
    made = make(alice).json()
    APIToken.objects.filter(pk=made["id"]).update(expires_at=timezone.now())
    answer = APIClient(headers={"Authorization": f"Token {made['token']}"}).get("/api/v2/jobs/")
    assert (answer.status_code, answer.json()["reason"]) == (401, "token_expired")


def test_nobody_elses_token_is_there(alice: User, charlie: User) -> None:
    made = make(alice).json()
    client = client_of(charlie)
    assert client.get(f"{URL}{made['id']}/").status_code == 404
    assert client.delete(f"{URL}{made['id']}/").status_code == 404
    assert made["id"] not in [one["id"] for one in client.get(URL).json()["results"]]
    assert APIToken.objects.get(pk=made["id"]).ended_at is None
    assert APIClient().get(URL).status_code == 401


def test_a_token_makes_none_that_may_do_more_than_itself(alice: User) -> None:
    client = with_scopes(alice, "settings", "read")
    answer = client.post(URL, {"name": "more", "scopes": ["read", "terminal"]}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (403, "scope_missing")
    assert "terminal" in answer.json()["detail"]
    assert client.post(URL, {"name": "same"}, format="json").json()["scopes"] == ["read", "settings"]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", "jobs/", "read"),
        ("post", "jobs/", "jobs"),
        ("post", "jobs/{job}/submit/", "jobs"),
        ("delete", "jobs/{job}/", "jobs"),
        ("get", "files/", "read"),
        ("post", "files/contents/", "files"),
        ("post", "terminal-sessions/", "terminal"),
        ("delete", "terminal-sessions/{session}/", "terminal"),
        ("delete", "users/me/ssh-keys/{key}/", "settings"),
        ("post", "users/me/tokens/", "settings"),
        ("get", "rate-card/", "admin"),
    ],
)
def test_a_scope_that_is_missing_is_named(alice: User, method: str, path: str, scope: str) -> None:
    url = "/api/v2/" + path.format(
        job=JobFactory.create(owner=alice).pk,
        key=SSHKeyFactory.create(owner=alice).pk,
        session=TerminalSessionFactory.create(owner=alice).pk,
    )
    # Whatever else it has, without the one it is refused.
    others = {"read": ["terminal"] if "job" in path or "file" in path else ["jobs"]}
    held = others.get(scope, [word for word in all_scopes() if word != scope])
    answer = getattr(with_scopes(alice, *held), method)(url, {}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (403, "scope_missing")
    assert f"“{scope}”" in answer.json()["detail"]
    found = getattr(with_scopes(alice, scope), method)(url, {}, format="json")
    assert found.json().get("reason") != "scope_missing" if found.content else found.status_code < 300


def test_v3_needs_the_same(alice: User) -> None:
    assert (
        with_scopes(alice, "read").post("/api/v3/jobs/", {}, format="json").json()["reason"]
        == "scope_missing"
    )


def test_an_administrators_token_without_that_scope_is_anybodys(admin: User) -> None:
    limited = with_scopes(admin, "read", "jobs", "files", "terminal", "settings")
    assert limited.get("/api/v2/rate-card/").json()["reason"] == "scope_missing"
    answer = limited.get("/api/v2/users/me/usage/?person=alice")
    whole = APIClient(headers={"Authorization": f"Token {token_of(admin)}"})
    assert whole.get("/api/v2/rate-card/").status_code == 200
    assert answer.status_code in (400, 403), answer.json()


def test_any_token_says_who_it_is_and_ends_itself(alice: User) -> None:
    client = with_scopes(alice, "files")
    assert client.get("/api/v2/users/me/").json()["username"] == "alice"
    assert client.get("/api/v2/users/me/token/").json()["scopes"] == ["files"]
    assert client.delete("/api/v2/users/me/token/").status_code == 204
    assert client.get("/api/v2/users/me/").json()["reason"] == "token_ended"


def test_last_use_and_address(alice: User) -> None:
    client = with_scopes(alice, "read", "settings")
    client.get("/api/v2/jobs/", REMOTE_ADDR="203.0.113.7")
    (shown,) = client.get(URL, REMOTE_ADDR="203.0.113.8").json()["results"]
    # Written at most once a minute.
    assert shown["lastUsedFrom"] == "203.0.113.7" and shown["lastUsedAt"]


def test_50_good_tokens_at_most_ended_ones_do_not_count(alice: User) -> None:
    for number in range(50):
        APITokenFactory.create(owner=alice, name=str(number))
    answer = client_of_session(alice).post(URL, {"name": "one more"}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (400, "too_many_tokens")
    APIToken.objects.filter(name="7").update(ended_at=timezone.now())
    assert client_of_session(alice).post(URL, {"name": "one more"}, format="json").status_code == 201


def client_of_session(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client

"""Signing a program in by a code that its user confirms."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import APIToken, AuditEvent, DeviceLogin, User
from accounts.refusals import Refused
from accounts.services import device_logins
from tests.api import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_asked_yet() -> None:
    cache.clear()


def begin() -> Any:
    answer = APIClient().post("/api/v2/device-logins/", {"client": "headnode on laptop"}, format="json")
    assert answer.status_code == 201
    return answer.json()


def fetch(code: str) -> Any:
    return APIClient().post("/api/v2/device-logins/token/", {"deviceCode": code}, format="json")


def decide(user: User, code: str, decision: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.post("/device/", {"code": code, "decision": decision})


def test_the_token_comes_once_after_approval_and_is_saved_nowhere(alice: User) -> None:
    asked = begin()
    assert asked["verificationUriComplete"].endswith(f"/device/?code={asked['userCode']}")
    assert fetch(asked["deviceCode"]).json()["reason"] == "authorization_pending"
    assert decide(alice, asked["userCode"], "approve").status_code == 200
    assert not APIToken.objects.exists()

    answer = fetch(asked["deviceCode"])
    assert answer.status_code == 200
    token = answer.json()["token"]
    signed = APIClient().get("/api/v2/users/me/", headers={"Authorization": f"Token {token}"})
    assert signed.json()["username"] == "alice"
    row = APIToken.objects.get()
    assert row.name == "headnode on laptop"
    assert row.expires_at is not None
    assert timedelta(days=89) < row.expires_at - timezone.now() <= timedelta(days=90)
    assert fetch(asked["deviceCode"]).json()["reason"] == "device_code_invalid"
    stored = str(list(DeviceLogin.objects.values())) + str(list(AuditEvent.objects.values()))
    assert token not in stored
    assert asked["deviceCode"] not in stored
    assert AuditEvent.objects.filter(action="accounts:device_login:approved", owner=alice).count() == 1


def test_who_refuses_signs_nobody_in(alice: User) -> None:
    asked = begin()
    decide(alice, asked["userCode"], "deny")
    assert fetch(asked["deviceCode"]).json()["reason"] == "access_denied"
    assert decide(alice, asked["userCode"], "approve").status_code == 400
    assert not APIToken.objects.exists()


def test_an_approval_cannot_be_taken_over(alice: User, charlie: User) -> None:
    asked = begin()
    decide(alice, asked["userCode"], "approve")
    assert decide(charlie, asked["userCode"], "approve").status_code == 400
    assert fetch(asked["deviceCode"]).json()["username"] == "alice"
    with pytest.raises(Refused):
        services.decide_device_login(SYSTEM, charlie, DeviceLogin.objects.get(), approve=True)


def test_looking_decides_nothing_and_wants_a_sign_in(alice: User, client: Client) -> None:
    asked = begin()
    assert client.get("/device/", {"code": asked["userCode"]})["Location"].startswith(
        "/accounts/login/?next=/device/"
    )
    client.force_login(alice)
    page = client.get("/device/", {"code": asked["userCode"], "decision": "approve"})
    assert asked["userCode"] in page.content.decode()
    assert fetch(asked["deviceCode"]).json()["reason"] == "authorization_pending"


def test_a_form_from_elsewhere_approves_nothing(alice: User) -> None:
    asked = begin()
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post("/device/", {"code": asked["userCode"], "decision": "approve"}).status_code == 403
    assert fetch(asked["deviceCode"]).json()["reason"] == "authorization_pending"


def test_codes_end_by_themselves(alice: User) -> None:
    asked, approved = begin(), begin()
    decide(alice, approved["userCode"], "approve")
    DeviceLogin.objects.update(expires_at=timezone.now())
    assert decide(alice, asked["userCode"], "approve").status_code == 400
    assert fetch(approved["deviceCode"]).json()["reason"] == "device_code_invalid"
    DeviceLogin.objects.update(expires_at=timezone.now() - device_logins.KEPT - timedelta(seconds=1))
    begin()
    assert DeviceLogin.objects.count() == 1


def test_someone_no_longer_active_gets_no_token(alice: User) -> None:
    asked = begin()
    decide(alice, asked["userCode"], "approve")
    User.objects.update(is_active=False)
    assert fetch(asked["deviceCode"]).json()["reason"] == "access_denied"


def test_too_many_tokens_is_said_and_can_be_mended(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = begin()
    decide(alice, asked["userCode"], "approve")
    monkeypatch.setattr("accounts.services.api_tokens.MAX_TOKENS", 0)
    assert fetch(asked["deviceCode"]).json()["reason"] == "too_many_tokens"
    monkeypatch.undo()
    assert fetch(asked["deviceCode"]).status_code == 200


@pytest.mark.parametrize("typed", ["", "x", "BCDF-GHJ", "BCDFGHJKLM", "\0", "A" * 5000, "BCDF-GHJK"])
def test_a_wrong_code_is_a_sentence(alice: User, typed: str) -> None:
    begin()
    page = decide(alice, typed, "approve")
    assert page.status_code in (200, 400)
    assert not DeviceLogin.objects.exclude(state=DeviceLogin.State.PENDING).exists()


def test_guessing_is_limited(alice: User) -> None:
    statuses = [decide(alice, "BCDF-GHJK", "approve").status_code for _ in range(30)]
    assert statuses[0] == 400
    assert statuses[-1] == 429


def test_several_computers_are_signed_in_one_after_the_other(alice: User) -> None:
    for decision in ("approve", "deny", "approve", "deny"):
        code = begin()["userCode"]
        assert decide(alice, code, "").status_code == 200  # the page that asks
        assert decide(alice, code, decision).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"client": ""}, {"client": "x" * 101}, {"client": "a\x1b[2Jb"}, {"client": 3.5}]
)
def test_what_asks_says_its_name(body: dict[str, Any]) -> None:
    answer = APIClient().post("/api/v2/device-logins/", body, format="json")
    assert answer.status_code in (201, 400)
    assert not DeviceLogin.objects.filter(client_name__contains="\x1b").exists()


def test_a_program_that_asks_for_ever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_logins, "MOST_PENDING", 2)
    begin()
    begin()
    answer = APIClient().post("/api/v2/device-logins/", {"client": "x"}, format="json")
    assert (answer.status_code, answer.json()["reason"]) == (429, "too_many_logins")


def test_a_token_can_end_itself_and_no_other(alice: User) -> None:
    one, other = client_of(alice), client_of(alice)
    assert one.get("/api/v2/users/me/token/").json()["expiresAt"] is None
    assert one.delete("/api/v2/users/me/token/").status_code == 204
    assert one.get("/api/v2/users/me/").status_code == 401
    assert other.get("/api/v2/users/me/").status_code == 200
    cookie = APIClient()
    cookie.force_login(alice)
    assert cookie.get("/api/v2/users/me/token/").status_code == 409

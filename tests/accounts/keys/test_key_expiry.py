"""Keys that expire, are disabled and enabled again; rules that expire; through the API and on the page."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from tests.api import client_of
from tests.factories import public_key

pytestmark = pytest.mark.django_db
KEYS, RULES = "/api/v2/users/me/ssh-keys/", "/api/v2/users/me/access-rules/"


def add(user: User, **fields: Any) -> Any:
    return client_of(user).post(KEYS, {"name": "Laptop", "publicKey": public_key(), **fields}, format="json")


def change(user: User, key_id: int, **fields: Any) -> Any:
    return client_of(user).patch(f"{KEYS}{key_id}/", fields, format="json")


def in_days(days: float) -> str:
    return (timezone.now() + timedelta(days=days)).isoformat()


def test_a_key_may_come_with_its_expiry(alice: User) -> None:
    made = add(alice, expiresAt=in_days(30)).json()
    assert made["standing"] == "active"
    assert alice.ssh_keys.get().expires_at is not None


def test_an_expiry_in_the_past_is_refused(alice: User) -> None:
    answer = add(alice, expiresAt=in_days(-1))
    assert answer.status_code == 400
    assert (answer.json()["reason"], list(answer.json())) == ("expiry_past", ["expiresAt", "reason"])
    assert not alice.ssh_keys.exists()


def test_an_expiry_is_changed_and_taken_away(alice: User) -> None:
    key = add(alice).json()
    assert change(alice, key["id"], expiresAt=in_days(1)).json()["expiresAt"] is not None
    assert change(alice, key["id"], expiresAt=None).json()["expiresAt"] is None
    assert change(alice, key["id"], expiresAt="tomorrow").status_code == 400


def test_an_expired_key_says_so(alice: User) -> None:
    key = add(alice).json()
    alice.ssh_keys.update(expires_at=timezone.now())
    assert client_of(alice).get(f"{KEYS}{key['id']}/").json()["standing"] == "expired"


def test_a_key_is_disabled_and_enabled(alice: User) -> None:
    key = add(alice).json()
    off = change(alice, key["id"], disabled=True).json()
    assert (off["standing"], off["disabledAt"] is not None) == ("disabled", True)
    again = change(alice, key["id"], disabled=True).json()
    assert again["disabledAt"] == off["disabledAt"]
    assert change(alice, key["id"], disabled=False).json()["standing"] == "active"
    actions = AuditEvent.objects.filter(object_type="ssh_key").values_list("action", flat=True)
    assert list(actions) == [
        "accounts:ssh_key:added",
        "accounts:ssh_key:disabled",
        "accounts:ssh_key:enabled",
    ]


def test_one_wrong_field_changes_nothing(alice: User) -> None:
    key = add(alice).json()
    answer = change(alice, key["id"], name="Other", disabled=True, expiresAt=in_days(-1))
    assert answer.status_code == 400
    kept = alice.ssh_keys.get()
    assert (kept.name, kept.disabled_at) == ("Laptop", None)
    assert AuditEvent.objects.filter(action__startswith="accounts:ssh_key:").count() == 1


def test_before_and_after_are_audited(alice: User) -> None:
    key = add(alice).json()
    change(alice, key["id"], disabled=True)
    event = AuditEvent.objects.get(action="accounts:ssh_key:disabled")
    assert (event.before["disabled"], event.after["disabled"]) == (False, True)
    assert event.owner == alice


def test_bob_cannot_touch_it(alice: User, bob: User) -> None:
    key = add(alice).json()
    assert change(bob, key["id"], disabled=True).status_code == 404
    for verb in ("disable", "enable", "expiry"):
        client = Client()
        client.force_login(bob)
        answer = client.post(f"/settings/job/keys/{key['id']}/{verb}/", {"confirmed": "1"})
        assert answer.status_code == 404
    assert alice.ssh_keys.get().disabled_at is None


def test_a_rule_expires(alice: User) -> None:
    body = {"cidr": "192.0.2.0/24", "expiresAt": in_days(1)}
    rule = client_of(alice).post(RULES, body, format="json").json()
    assert rule["standing"] == "active"
    settings = "/api/v2/users/me/job-settings/"
    assert client_of(alice).get(settings, REMOTE_ADDR="192.0.2.7").json()["currentAddressAllowed"] is True
    alice.access_rules.update(expires_at=timezone.now())
    assert client_of(alice).get(settings, REMOTE_ADDR="192.0.2.7").json()["currentAddressAllowed"] is False
    assert client_of(alice).get(f"{RULES}{rule['id']}/").json()["standing"] == "expired"
    changed = client_of(alice).patch(f"{RULES}{rule['id']}/", {"expiresAt": None}, format="json").json()
    assert changed["standing"] == "active"


@pytest.fixture
def page(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def test_the_page_disables_only_after_asking(alice: User, page: Client) -> None:
    key = add(alice).json()
    url = f"/settings/job/keys/{key['id']}/"
    assert "Disable the key" in page.post(f"{url}disable/").content.decode()
    assert alice.ssh_keys.get().disabled_at is None
    page.post(f"{url}disable/", {"confirmed": "1"})
    assert "Disabled" in page.get("/settings/job/").content.decode()
    page.post(f"{url}enable/")
    assert alice.ssh_keys.get().disabled_at is None


def test_the_page_takes_a_last_day(alice: User, page: Client) -> None:
    day = (timezone.now() + timedelta(days=40)).date()
    page.post("/settings/job/keys/", {"public_key": public_key(), "expires": f"{day}"})
    key = alice.ssh_keys.get()
    assert key.expires_at is not None
    assert key.expires_at.date() == day
    page.post(f"/settings/job/keys/{key.pk}/expiry/", {"expires": ""})
    assert alice.ssh_keys.get().expires_at is None


@pytest.mark.parametrize("day", ["2020-01-01", "31.12.2099", "9999-99-99", "0001-01-01"])
def test_the_page_refuses_a_wrong_day_and_keeps_what_was_typed(alice: User, page: Client, day: str) -> None:
    line = public_key()
    answer = page.post("/settings/job/keys/", {"public_key": line, "expires": day})
    assert answer.status_code == 400
    shown = answer.content.decode()
    assert line.split()[1] in shown.replace("&#x2B;", "+")
    assert "key-expires-error" in shown
    assert not alice.ssh_keys.exists()
    rule = page.post("/settings/job/rules/", {"cidr": "10.0.0.0/8", "expires": day})
    assert rule.status_code == 400
    assert not alice.access_rules.exists()


def test_the_page_warns_of_a_rule_that_no_longer_holds(alice: User, page: Client) -> None:
    page.post("/settings/job/rules/", {"cidr": "127.0.0.1"})
    assert "no rule includes it" not in page.get("/settings/job/").content.decode()
    alice.access_rules.update(expires_at=timezone.now())
    shown = page.get("/settings/job/").content.decode()
    assert "no rule includes it" in shown
    assert "Expired" in shown

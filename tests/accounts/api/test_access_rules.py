"""Access rules over the REST API."""

from typing import Any

import pytest

from accounts.models import AccessRule, User
from tests.api import client_of
from tests.factories import AccessRuleFactory

pytestmark = pytest.mark.django_db
URL = "/api/v2/users/me/access-rules/"


def _add(user: User, cidr: str, note: str = "") -> Any:
    return client_of(user).post(URL, {"cidr": cidr, "note": note}, format="json")


def test_it_saves_a_rule(alice: User) -> None:
    answer = _add(alice, "192.0.2.0/24", "office")

    assert answer.status_code == 201
    assert answer.json()["cidr"] == "192.0.2.0/24"
    assert answer.json()["note"] == "office"
    assert answer.json()["notice"] is None
    shown = {"id", "cidr", "note", "addedAt", "expiresAt", "standing"}
    assert set(client_of(alice).get(URL).json()["results"][0]) == shown


def test_it_says_when_it_changed_the_text(alice: User) -> None:
    answer = _add(alice, "192.0.2.77/24").json()

    assert answer["cidr"] == "192.0.2.0/24"
    assert "192.0.2.0/24" in answer["notice"]


@pytest.mark.parametrize(
    "cidr", ["10.0.0.0/33", "300.1.1.1", "::/129", "", "localhost", "10.0.0.0/8, 11.0.0.0/8"]
)
def test_a_bad_rule_is_refused_with_its_field(alice: User, cidr: str) -> None:
    answer = _add(alice, cidr)

    assert answer.status_code == 400
    assert isinstance(answer.json()["cidr"][0], str)
    assert answer.json()["reason"]
    assert not AccessRule.objects.exists()


def test_a_rule_is_saved_once(alice: User) -> None:
    _add(alice, "192.0.2.0/24")

    assert _add(alice, "192.0.2.9/24").json()["reason"] == "duplicate_rule"


def test_the_list_says_where_one_comes_from(alice: User) -> None:
    answer = client_of(alice).get(URL, REMOTE_ADDR="198.51.100.4")

    assert answer["X-Source-Address"] == "198.51.100.4"


def test_a_forged_header_does_not_say_where_one_comes_from(alice: User) -> None:
    answer = client_of(alice).get(URL, REMOTE_ADDR="198.51.100.4", headers={"X-Forwarded-For": "10.0.0.1"})

    assert answer["X-Source-Address"] == "198.51.100.4"


def test_deleting_drops_the_rule(alice: User) -> None:
    rule = AccessRuleFactory.create(owner=alice)

    assert client_of(alice).delete(f"{URL}{rule.pk}/").status_code == 204
    assert not AccessRule.objects.exists()

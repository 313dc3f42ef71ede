"""The inbox and the choices over the REST API."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import notify
from tests.api import client_of

pytestmark = pytest.mark.django_db
URL = "/api/v2/users/me/notifications/"
CHOICES = "/api/v2/users/me/notification-choices/"


@pytest.fixture
def row(alice: User) -> Any:
    return notify(alice, NotificationKind.JOB_FAILED, "Exit status 3.", link="/jobs/x/", facts={"job": "x"})


def test_the_inbox_is_a_page_of_rows(alice: User, row: Any) -> None:
    (shown,) = client_of(alice).get(URL).json()["results"]
    assert shown["id"] == row.pk and shown["kind"] == "job_failed" and shown["facts"] == {"job": "x"}
    assert shown["read"] is False and shown["readAt"] is None
    assert set(shown) == {"id", "kind", "title", "text", "link", "facts", "at", "read", "readAt"}


def test_read_and_unread(alice: User, row: Any) -> None:
    client = client_of(alice)
    answer = client.patch(f"{URL}{row.pk}/", {"read": True}, format="json")
    assert answer.status_code == 200 and answer.json()["read"] is True and answer.json()["readAt"]
    assert client.get(f"{URL}?unread=true").json()["count"] == 0
    assert client.get(URL).json()["count"] == 1
    assert client.patch(f"{URL}{row.pk}/", {"read": False}, format="json").json()["readAt"] is None
    assert client.get(f"{URL}?unread=true").json()["count"] == 1


def test_it_is_nobody_elses(charlie: User, row: Any) -> None:
    client = client_of(charlie)
    assert client.get(URL).json()["count"] == 0
    assert client.get(f"{URL}{row.pk}/").status_code == 404
    assert client.patch(f"{URL}{row.pk}/", {"read": True}, format="json").status_code == 404


@pytest.mark.parametrize("wrong", ["x", "9" * 40, "-1"])
def test_there_is_no_such_row(alice: User, wrong: str) -> None:
    assert client_of(alice).patch(f"{URL}{wrong}/", {"read": True}, format="json").status_code == 404


def test_read_is_yes_or_no(alice: User, row: Any) -> None:
    for body in ({}, {"read": "perhaps"}, {"read": None}):
        assert client_of(alice).patch(f"{URL}{row.pk}/", body, format="json").status_code == 400


def test_choices_change_what_is_named(alice: User) -> None:
    client = client_of(alice)
    before = client.get(CHOICES).json()
    assert set(before) == {kind.value for kind in NotificationKind}
    assert before["job_failed"] == {"page": True, "mail": True, "webhook": True}
    after = client.put(CHOICES, {"job_failed": {"mail": False}}, format="json").json()
    assert after == {**before, "job_failed": {"page": True, "mail": False, "webhook": True}}
    assert client.get(CHOICES).json() == after


@pytest.mark.parametrize(
    "body",
    [
        {"job_fails": {"mail": True}},
        {"job_failed": {"mail": "perhaps"}},
        {"job_failed": True},
        [],
        {"job_failed": None},
    ],
)
def test_wrong_choices_are_refused(alice: User, body: Any) -> None:
    answer = client_of(alice).put(CHOICES, body, format="json")
    assert answer.status_code == 400, answer.content


def test_nobody_without_a_token() -> None:
    assert APIClient().get(URL).status_code == 401

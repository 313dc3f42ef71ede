"""A person is told once, a week before, that one of their API tokens expires."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import APIToken, Notification, User
from accounts.notifications.token_expiry_reminders import send_due_token_reminders
from tests.factories import APITokenFactory

pytestmark = pytest.mark.django_db


def token(owner: User, days: float, age: float = 80, **fields: object) -> APIToken:
    now = timezone.now()
    return APITokenFactory.create(
        owner=owner, expires_at=now + timedelta(days=days), added_at=now - timedelta(days=age), **fields
    )


def test_once_a_week_before(alice: User) -> None:
    token(alice, 6, name="pipeline")
    assert send_due_token_reminders() == 1
    assert send_due_token_reminders() == 0
    told = Notification.objects.get(person=alice)
    assert told.kind == "token_expiring"
    assert "pipeline" in told.title and "hn_" in told.text
    assert told.link == "/settings/tokens/"


def test_not_of_what_needs_no_reminder(alice: User) -> None:
    token(alice, 8)
    token(alice, -1)
    token(alice, 5, ended_at=timezone.now())
    token(alice, 5, age=1)  # made for less than a week
    APITokenFactory.create(owner=alice)  # never expires
    assert send_due_token_reminders() == 0


def test_not_to_somebody_who_was_switched_off(alice: User) -> None:
    token(alice, 5)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert send_due_token_reminders() == 0

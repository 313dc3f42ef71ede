"""What is older than HEADNODE_NOTIFICATION_DAYS goes; what is still to be sent stays, however old."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Mail, Notification, User, Webhook, WebhookDelivery
from accounts.notifications import expiry

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=181)


def told(person: User, **fields: object) -> Notification:
    return Notification.objects.create(
        **{"person": person, "kind": "job_ended", "title": "t", "text": "x", "at": LONG_AGO, **fields}
    )


def delivery(person: User, notification: Notification | None, **fields: object) -> WebhookDelivery:
    hook, _ = Webhook.objects.get_or_create(owner=person, url="https://example.org/")
    return WebhookDelivery.objects.create(
        **{"webhook": hook, "notification": notification, "created_at": LONG_AGO, "due_at": None, **fields}
    )


def test_old_ones_go_with_their_mails_and_deliveries(alice: User) -> None:
    mail = Mail.objects.create(person=alice, created_at=LONG_AGO, due_at=None, sent_at=LONG_AGO)
    old = told(alice, mail=mail, wants_mail=True)
    delivery(alice, old)
    delivery(alice, None)
    recent = told(alice, at=timezone.now())
    kept = delivery(alice, recent, created_at=timezone.now())
    assert expiry.delete_old() == 4
    assert list(Notification.objects.all()) == [recent]
    assert list(WebhookDelivery.objects.all()) == [kept]
    assert not Mail.objects.exists()
    assert expiry.delete_old() == 0


def test_what_is_still_to_be_sent_stays(alice: User) -> None:
    told(alice, wants_mail=True)
    told(alice, mail=Mail.objects.create(person=alice, created_at=LONG_AGO))
    delivery(alice, told(alice), due_at=timezone.now())
    assert expiry.delete_old() == 0


def test_never_with_zero_days(alice: User, settings: Settings) -> None:
    settings.HEADNODE_NOTIFICATION_DAYS = 0
    told(alice)
    assert expiry.delete_old() == 0


def test_a_run_takes_the_oldest_of_many(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "BATCH", 2)
    rows = [told(alice) for _ in range(3)]
    assert [expiry.delete_old(), Notification.objects.get(), expiry.delete_old()] == [2, rows[2], 1]


def test_beat_asks_for_it() -> None:
    assert "accounts.delete_old_notifications" in {
        entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()
    }

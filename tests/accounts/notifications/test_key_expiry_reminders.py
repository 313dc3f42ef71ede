"""A key that is about to expire: one reminder by mail, and a notice on the pages until the user acts."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.audit.trail import Actor
from accounts.models import SSHKey, User
from accounts.notifications import inbox, key_expiry_reminders
from accounts.tasks import remind, send_due_mail
from tests.factories import public_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(alice: User) -> SSHKey:
    """A key that expires in five days."""
    soon = timezone.now() + timedelta(days=5)
    return services.add_ssh_key(Actor(alice), alice, "Laptop", public_key(), soon)


def test_one_mail_and_no_second(key: SSHKey, alice: User) -> None:
    assert (remind(), remind()) == (1, 0)
    send_due_mail()
    (message,) = mail.outbox
    assert message.to == [alice.email]
    assert "Laptop" in message.subject
    assert key.fingerprint in message.body


def test_a_new_expiry_is_spoken_of_again(key: SSHKey, alice: User) -> None:
    remind()
    key.refresh_from_db()
    services.set_key_expiry(Actor(alice), key, timezone.now() + timedelta(days=30))
    assert remind() == 0
    services.set_key_expiry(Actor(alice), key, timezone.now() + timedelta(days=6))
    assert remind() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": None},
        {"expires_at": timezone.now() + timedelta(days=8)},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"disabled_at": timezone.now()},
    ],
)
def test_no_mail_when_there_is_nothing_to_say(key: SSHKey, change: dict[str, Any]) -> None:
    SSHKey.objects.update(**change)
    assert remind() == 0


def test_nobody_is_told_who_left(key: SSHKey, alice: User) -> None:
    User.objects.update(is_active=False)
    assert remind() == 0


def test_one_without_an_address_reads_it_in_the_inbox(key: SSHKey, alice: User) -> None:
    User.objects.update(email="")
    assert remind() == 1
    send_due_mail()
    assert mail.outbox == []
    assert inbox.unread_of(alice).get().facts["fingerprint"] == key.fingerprint


def test_a_reminder_that_broke_is_given_later(key: SSHKey, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **more: Any) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(key_expiry_reminders, "notify", broken)
    with pytest.raises(ConnectionResetError):
        remind()
    monkeypatch.undo()
    assert remind() == 1


def test_the_pages_say_it(key: SSHKey, alice: User, bob: User, client: Client) -> None:
    client.force_login(alice)
    for address in ("/", "/settings/job/"):
        shown = client.get(address).content.decode()
        assert "Laptop" in shown
        assert "expires" in shown
    client.force_login(bob)
    assert "Laptop" not in client.get("/").content.decode()

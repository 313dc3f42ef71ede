"""Telling people: one row per person, kind and key, written with what happened, in the ways they chose."""

from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from accounts.models import Notification, User, Webhook
from accounts.notifications import choices, inbox
from accounts.notifications.kinds import Channels, NotificationKind
from accounts.notifications.outbox import Action, notify

pytestmark = pytest.mark.django_db
KIND = NotificationKind.JOB_ENDED


def choose(person: User, **ways: bool) -> None:
    on: dict[str, Any] = {"page": False, "mail": False, "webhook": False}
    choices.choose(person, {KIND: Channels(**{**on, **ways})})


def test_a_row_says_it_whole(alice: User) -> None:
    row = notify(
        alice,
        KIND,
        "It ended.",
        link="/jobs/x/",
        action=Action("/jobs/x/clone/", "Clone"),
        facts={"job": "x"},
    )
    assert row is not None
    assert (row.title, row.text, row.kind) == (KIND.heading, "It ended.", "job_ended")
    assert (row.link, row.action_link, row.action_text, row.facts) == (
        "/jobs/x/",
        "/jobs/x/clone/",
        "Clone",
        {"job": "x"},
    )
    assert list(inbox.unread_of(alice)) == [row]


def test_it_is_told_once_of_each_key(alice: User, bob: User) -> None:
    first = notify(alice, KIND, "It ended.", key="job-x")
    assert first is not None
    assert notify(alice, KIND, "It ended again.", key="job-x") is None
    assert notify(alice, KIND, "Another.", key="job-y") is not None
    assert notify(alice, NotificationKind.JOB_FAILED, "Another kind.", key="job-x") is not None
    assert notify(bob, KIND, "Another person.", key="job-x") is not None
    assert Notification.objects.get(pk=first.pk).text == "It ended."


def test_without_a_key_each_is_told(alice: User) -> None:
    assert notify(alice, KIND, "One.") != notify(alice, KIND, "One.")
    assert inbox.unread_count(alice) == 2


def test_nothing_is_told_of_what_did_not_happen(alice: User) -> None:
    class Broken(Exception):
        pass

    with pytest.raises(Broken), transaction.atomic():
        notify(alice, KIND, "It ended.")
        raise Broken
    assert not Notification.objects.exists()


def test_one_who_chose_none_is_not_told(alice: User) -> None:
    choose(alice)
    assert notify(alice, KIND, "It ended.") is None
    assert not Notification.objects.exists()


def test_a_closed_account_is_not_told(alice: User) -> None:
    alice.is_active = False
    assert notify(alice, KIND, "It ended.") is None


def test_mail_alone_is_not_in_the_inbox(alice: User) -> None:
    choose(alice, mail=True)
    row = notify(alice, KIND, "It ended.")
    assert row is not None and row.wants_mail
    assert inbox.unread_count(alice) == 0


def test_no_mail_without_an_address_or_a_server(alice: User, bob: User, settings: Settings) -> None:
    alice.email = ""
    row = notify(alice, KIND, "It ended.")
    assert row is not None and not row.wants_mail
    settings.HEADNODE_HAS_MAIL = False
    row = notify(bob, KIND, "It ended.")
    assert row is not None and not row.wants_mail


@pytest.mark.parametrize(
    ("kinds", "enabled", "is_wanted"),
    [([], True, True), (["job_ended"], True, True), (["job_failed"], True, False), ([], False, False)],
)
def test_webhooks_get_the_kinds_they_want(
    alice: User, bob: User, kinds: list[str], enabled: bool, is_wanted: bool
) -> None:
    hook = Webhook.objects.create(owner=alice, url="https://example.org/", kinds=kinds, enabled=enabled)
    Webhook.objects.create(owner=bob, url="https://example.org/")
    row = notify(alice, KIND, "It ended.", facts={"job": "x"})
    assert row is not None
    assert [delivery.webhook for delivery in row.deliveries.all()] == ([hook] if is_wanted else [])


def test_a_heading_has_one_line(alice: User) -> None:
    row = notify(alice, KIND, "It\0 ended.", title="two\nlines\r\nBcc: x@example.org\0" + "x" * 300)
    assert row is not None
    assert row.title.startswith("two lines Bcc: x@example.org") and len(row.title) == 200
    assert row.text == "It ended."


def test_every_kind_is_written_for_people() -> None:
    for kind in NotificationKind:
        assert kind.heading[0].isupper() and not kind.heading.endswith(".")
        assert kind.sentence.endswith(".")
        assert kind.value == kind.name.lower()

"""The inbox page, the bell on every page, and the page of choices."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Notification, User
from accounts.notifications import choices, inbox
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import notify

pytestmark = pytest.mark.django_db
INBOX = "/notifications/"
CHOICES = "/settings/notifications/"
KIND = NotificationKind.JOB_FAILED


def told(person: User, title: str = "wing failed", link: str = "/settings/job/") -> Notification:
    row = notify(person, KIND, "Exit status 3.", title=title, link=link)
    assert row is not None
    return row


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_an_empty_inbox_says_what_comes_there(page: Client) -> None:
    assert "Nothing yet" in page.get(INBOX).content.decode()


def test_the_bell_counts_on_every_page(page: Client, alice: User, bob: User) -> None:
    told(alice)
    told(bob)
    for address in (INBOX, "/settings/tokens/"):
        assert "Notifications: 1 unread" in page.get(address).content.decode()
    assert page.get("/notifications/unread/").json()["unread"] == 1
    assert page.get("/notifications/unread/").json()["newest"]["title"] == "wing failed"


def test_many_are_counted_up_to_a_point(page: Client, alice: User) -> None:
    Notification.objects.bulk_create(
        Notification(person=alice, kind="job_ended", title="x", text="y") for _ in range(150)
    )
    shown = page.get(INBOX).content.decode()
    assert "99+" in shown and "Page 1 of 5" in shown


def test_others_see_nothing_of_it(client: Client, alice: User, charlie: User) -> None:
    row = told(alice)
    client.force_login(charlie)
    assert "wing failed" not in client.get(INBOX).content.decode()
    assert client.get(f"{INBOX}{row.pk}/").status_code == 404
    assert client.post(f"{INBOX}{row.pk}/read/").status_code == 404
    client.post(f"{INBOX}read/")
    row.refresh_from_db()
    assert row.read_at is None


def test_opening_one_reads_it_and_leads_there(page: Client, alice: User) -> None:
    row = told(alice)
    answer = page.get(f"{INBOX}{row.pk}/")
    assert answer.status_code == 302 and answer["Location"] == "/settings/job/"
    assert inbox.unread_count(alice) == 0


def test_what_came_after_the_page_stays_unread(page: Client, alice: User) -> None:
    seen = told(alice)
    assert f'value="{seen.pk}"' in page.get(INBOX).content.decode()
    later = told(alice, "came later")
    page.post(f"{INBOX}read/", {"newest": str(seen.pk)})
    assert list(inbox.unread_of(alice)) == [later]


def test_one_can_be_unread_again(page: Client, alice: User) -> None:
    row = told(alice)
    page.post(f"{INBOX}{row.pk}/read/", {"read": "1"})
    assert inbox.unread_count(alice) == 0
    page.post(f"{INBOX}{row.pk}/read/", {"read": "0"})
    assert inbox.unread_count(alice) == 1


def test_all_means_all_pages(page: Client, alice: User) -> None:
    rows = [told(alice) for _ in range(40)]
    shown = page.get(f"{INBOX}?page=2")
    assert shown.context["newest"] == rows[-1].pk
    page.post(f"{INBOX}read/", {"newest": shown.context["newest"]})
    assert not inbox.unread_of(alice).exists()


@pytest.mark.parametrize("newest", ["", "x", "-1", "9" * 40, "²"])
def test_odd_input_breaks_nothing(page: Client, alice: User, newest: str) -> None:
    told(alice)
    assert page.post(f"{INBOX}read/", {"newest": newest}).status_code == 302


def test_only_what_is_unread(page: Client, alice: User) -> None:
    inbox.mark_read([told(alice, "was read")])
    told(alice, "was not")
    shown = page.get(f"{INBOX}?unread=true").content.decode()
    assert "was not" in shown and "was read" not in shown


def test_what_is_told_cannot_be_markup(page: Client, alice: User) -> None:
    told(alice, "<script>alert(1)</script>")
    assert "<script>alert" not in page.get(INBOX).content.decode()


def test_the_last_lines_of_a_failed_command_are_shown_below_the_sentence(page: Client, alice: User) -> None:
    lines = ["reading mesh", "ERROR: <b>holes</b>"]
    notify(alice, KIND, "Exit status 3.", title="wing failed", facts={"lastLines": lines})
    shown = page.get(INBOX).content.decode()
    assert "reading mesh\nERROR: &lt;b&gt;holes&lt;/b&gt;\n</pre>" in shown
    assert "Mark as read" in shown


def test_choices_are_saved(page: Client, alice: User) -> None:
    page.post(CHOICES, {"job_started-mail": "on", "job_failed-page": "on"})
    found = choices.all_channels(alice)
    assert vars(found[NotificationKind.JOB_STARTED]) == {"page": False, "mail": True, "webhook": False}
    assert vars(found[NotificationKind.JOB_FAILED]) == {"page": True, "mail": False, "webhook": False}
    assert alice.audit_events.filter(action="accounts:notification_choices:changed").count() == 1


def test_the_page_says_why_no_mail_comes(page: Client, alice: User, settings: Settings) -> None:
    assert "Mail goes to alice@example.org" in page.get(CHOICES).content.decode()
    User.objects.update(email="")
    assert "has no mail address" in page.get(CHOICES).content.decode()
    settings.HEADNODE_HAS_MAIL = False
    assert "no mail server" in page.get(CHOICES).content.decode()

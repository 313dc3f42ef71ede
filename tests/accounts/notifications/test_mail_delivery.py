"""Mail to a real SMTP server: one design in two forms, one Message-ID, digests, retries, and a way out of it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Mail, Notification, User
from accounts.notifications import choices, mail_delivery
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import Action, notify
from accounts.tasks import send_due_mail
from tests.accounts.notifications.receivers import MailReceiver, mail_receiver, raw_receiver

pytestmark = pytest.mark.django_db
KIND = NotificationKind.JOB_FAILED


@pytest.fixture
def server(settings: Settings) -> Iterator[MailReceiver]:
    with mail_receiver() as found:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", found.port
        settings.HEADNODE_PUBLIC_URL = "https://headnode.example.org/"
        yield found


def tell(person: User, title: str = "wing failed", kind: NotificationKind = KIND) -> Notification:
    extend = Action("/jobs/x/extend/?hours=1", "Extend by 1 hour")
    row = notify(person, kind, "Exit status 3.\n<b>Bold</b>", title=title, link="/jobs/x/", action=extend)
    assert row is not None
    return row


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    text: str = found.get_content()
    return text


def make_due() -> None:
    Mail.objects.exclude(due_at=None).update(due_at=timezone.now())


def test_a_mail_says_it_in_two_forms(alice: User, server: MailReceiver) -> None:
    row = tell(alice)
    assert send_due_mail() == 1
    (mail,) = server.mails
    assert mail["To"] == "alice@example.org" and "wing failed" in mail["Subject"]
    for kind in ("plain", "html"):
        text = part(mail, kind)
        assert "Exit status 3." in text
        assert "https://headnode.example.org/jobs/x/extend/?hours=1" in text and "Extend by 1 hour" in text
        assert f"https://headnode.example.org/notifications/{row.pk}/" in text
    assert "<b>Bold</b>" in part(mail, "plain") and "<b>Bold" not in part(mail, "html")
    assert mail["Auto-Submitted"] == "auto-generated"


def test_a_mail_shows_the_last_lines_below_the_sentence(alice: User, server: MailReceiver) -> None:
    lines = ["reading mesh", "ERROR: <b>holes</b>"]
    assert notify(alice, KIND, "Exit status 3.", title="wing failed", facts={"lastLines": lines})
    assert send_due_mail() == 1
    (mail,) = server.mails
    assert "Exit status 3.\n\n    reading mesh\n    ERROR: <b>holes</b>\n" in part(mail, "plain").replace(
        "\r", ""
    )
    assert "reading mesh\nERROR: &lt;b&gt;holes&lt;/b&gt;\n</pre>" in part(mail, "html").replace("\r", "")


def test_a_mail_is_sent_once(alice: User, server: MailReceiver) -> None:
    tell(alice)
    assert (send_due_mail(), send_due_mail()) == (1, 0)
    assert len(server.mails) == 1


def test_it_is_stopped_with_one_click(alice: User, server: MailReceiver) -> None:
    tell(alice)
    send_due_mail()
    (mail,) = server.mails
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = urlsplit(mail["List-Unsubscribe"].strip(" <>")).path
    stranger = Client(enforce_csrf_checks=True)
    assert "Stop this mail?" in stranger.get(address).content.decode()
    assert choices.channels_of(alice, KIND).mail  # looking changes nothing
    answer = stranger.post(address, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and "No more such mail" in answer.content.decode()
    found = choices.all_channels(alice)
    assert not found[KIND].mail and found[KIND].page and found[NotificationKind.DEADLINE_NEAR].mail
    assert stranger.post(address[:-6] + "x/").status_code == 404
    tell(alice)
    assert send_due_mail() == 0


def test_a_burst_becomes_a_digest(alice: User, bob: User, server: MailReceiver) -> None:
    for number in range(12):
        tell(alice, f"job {number} failed")
    tell(bob)
    urgent = tell(alice, "ends soon", NotificationKind.DEADLINE_NEAR)
    send_due_mail()
    assert [mail["To"] for mail in server.mails].count("alice@example.org") == 6
    assert any("ends soon" in mail["Subject"] for mail in server.mails)
    assert Notification.objects.get(pk=urgent.pk).mail is not None
    server.mails.clear()
    assert send_due_mail() == 0
    Notification.objects.filter(mail=None).update(at=timezone.now() - timedelta(minutes=16))
    assert send_due_mail() == 1
    (digest,) = server.mails
    assert "7 notifications" in digest["Subject"]
    assert all(f"job {number} failed" in part(digest, "html") for number in range(5, 12))
    assert all(f"job {number} failed" in part(digest, "plain") for number in range(5, 12))


def test_urgent_ones_hold_nothing_else_up(alice: User, server: MailReceiver) -> None:
    for number in range(6):
        tell(alice, f"deadline {number}", NotificationKind.DEADLINE_NEAR)
    assert send_due_mail() == 6
    tell(alice)
    assert send_due_mail() == 1


def test_a_server_that_is_away_gets_it_later_under_one_id(alice: User, bob: User, settings: Settings) -> None:
    with mail_receiver() as gone:
        port = gone.port
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    tell(alice)
    assert send_due_mail() == 0
    mail = Mail.objects.get()
    assert mail.due_at is not None and mail.due_at > timezone.now() and mail.attempts == 1 and mail.error
    with mail_receiver() as server:
        settings.EMAIL_PORT = server.port
        make_due()
        assert send_due_mail() == 1
        assert str(mail.uid) in server.mails[0]["Message-ID"]


@pytest.mark.parametrize(
    "greeting", [b"", b"\xff\x00nonsense\r\n", b"220" + b"-" * 20_000, b"554 Go away.\r\n", b"220 hello\r\n"]
)
def test_a_server_that_is_silent_or_talks_nonsense_costs_a_moment_and_no_mail(
    alice: User, settings: Settings, greeting: bytes
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = 0.3
    tell(alice)
    with raw_receiver(lambda connection: None, greeting=greeting) as url:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", urlsplit(url).port
        assert send_due_mail() == 0
    mail = Mail.objects.get()
    assert (mail.sent_at, mail.attempts, mail.claimed_until) == (None, 1, None)
    assert mail.error and mail.due_at is not None and mail.due_at > timezone.now()
    uid = mail.uid
    with mail_receiver() as found:
        settings.EMAIL_PORT = found.port
        make_due()
        assert send_due_mail() == 1
    assert str(uid) in str(found.mails[0]["Message-ID"])


def test_one_sent_when_the_process_was_killed_has_the_same_id(alice: User, server: MailReceiver) -> None:
    tell(alice)
    send_due_mail()
    Mail.objects.update(
        sent_at=None, due_at=timezone.now(), claimed_until=timezone.now() - timedelta(seconds=1)
    )
    send_due_mail()
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_a_refused_address_holds_up_nobody_and_is_left(alice: User, bob: User, server: MailReceiver) -> None:
    server.refuse = lambda address: "550 no such user" if address.startswith("alice") else ""
    tell(alice)
    tell(bob)
    assert send_due_mail() == 1
    assert [mail["To"] for mail in server.mails] == ["bob@example.org"]
    refused = Mail.objects.get(person=alice)
    assert refused.due_at is None and refused.sent_at is None and "no such user" in refused.error


def test_later_means_later(alice: User, server: MailReceiver) -> None:
    server.refuse = lambda address: "451 greylisted, try again"
    tell(alice)
    assert send_due_mail() == 0
    server.refuse = lambda address: ""
    make_due()
    assert send_due_mail() == 1


def test_a_mail_in_work_is_not_taken_twice(alice: User, server: MailReceiver) -> None:
    tell(alice)
    mail_delivery.compose_due()
    assert mail_delivery._claim_next() is not None
    assert send_due_mail() == 0


def test_who_left_gets_none(alice: User, server: MailReceiver) -> None:
    tell(alice)
    User.objects.update(is_active=False)
    assert send_due_mail() == 0 and server.mails == []


def test_names_and_headings_cannot_add_headers(alice: User, server: MailReceiver) -> None:
    User.objects.update(first_name="Eve\r\nBcc: mallory@example.org")
    tell(alice, "x\r\nBcc: mallory@example.org")
    send_due_mail()
    (mail,) = server.mails
    assert mail["Bcc"] is None and "mallory" in mail["Subject"]


def test_a_bad_address_ends_it(alice: User, bob: User, server: MailReceiver) -> None:
    tell(alice)
    tell(bob)
    User.objects.filter(pk=alice.pk).update(email="alice@example.org\nBcc: mallory@example.org")
    send_due_mail()
    assert [mail["To"] for mail in server.mails] == ["bob@example.org"]
    assert Mail.objects.get(person=alice).due_at is None


def test_without_a_server_none_is_made(alice: User, settings: Settings) -> None:
    tell(alice)
    settings.HEADNODE_HAS_MAIL = False
    assert send_due_mail() == 0 and not Mail.objects.exists()


def test_every_link_is_whole(alice: User, server: MailReceiver) -> None:
    tell(alice)
    send_due_mail()
    links = re.findall(r'href="([^"]*)"', part(server.mails[0], "html"))
    assert len(links) >= 5 and all(link.startswith("https://headnode.example.org/") for link in links)

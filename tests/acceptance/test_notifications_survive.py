"""kill -9 of the worker amid 1,000 notifications: told once in the inbox, by mail and webhook under one id each."""

import json
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.accounts.notifications.receivers import HTTPReceiver, MailReceiver, http_receiver, mail_receiver
from tests.stack import Stack, running
from tests.waiting import wait_for

# It waits four times.
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]
PEOPLE = 1000
# What was under way when a worker was killed is taken up when its claim has expired, after 100 seconds at most.
LIMIT = 400.0

MAKE = f"""
from datetime import timedelta
from django.utils import timezone
from accounts import sealing
from accounts.models import SSHKey, User, Webhook
from accounts.notifications.webhook_outbox import SEALING
from accounts.tasks import remind
secret = sealing.seal(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SEALING)
people = User.objects.bulk_create(
    User(username=f"many{{n}}", email=f"many{{n}}@example.org", password="!") for n in range({PEOPLE})
)
Webhook.objects.bulk_create(Webhook(owner=p, url=f"URL/{{p.username}}", sealed_secret=secret) for p in people)
SSHKey.objects.bulk_create(
    SSHKey(owner=p, name="Laptop", public_key="ssh-ed25519 AAAA", type="ssh-ed25519", bits=256, fingerprint="SHA256:x",
           expires_at=timezone.now() + timedelta(days=5))
    for p in people
)
"""
START = "from accounts.tasks import remind; remind.delay()"
COUNT = """
import json
from django.db.models import Count
from accounts.models import Notification
rows = Notification.objects.filter(person__username__startswith="many").values_list("person__username")
print("FOUND" + json.dumps([list(row) for row in rows.annotate(n=Count("id"))]))
"""


@pytest.fixture(scope="module")
def mails() -> Iterator[MailReceiver]:
    with mail_receiver() as found:
        yield found


@pytest.fixture(scope="module")
def hooks() -> Iterator[HTTPReceiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture(scope="module")
def portal(
    mails: MailReceiver, hooks: HTTPReceiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    settings = {
        "HEADNODE_EMAIL_URL": f"smtp://127.0.0.1:{mails.port}",
        "HEADNODE_WEBHOOK_NETWORKS": "127.0.0.1",
    }
    with running(tmp_path_factory.mktemp("notifications"), **settings) as found:
        yield found


def in_inboxes(portal: Stack) -> dict[str, int]:
    printed = portal.manage("shell", "-c", COUNT)
    return dict(json.loads(printed.partition("FOUND")[2].splitlines()[0]))


def ids_by_person(
    mails: MailReceiver, hooks: HTTPReceiver
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    mailed: dict[str, set[str]] = defaultdict(set)
    posted: dict[str, set[str]] = defaultdict(set)
    for mail in list(mails.mails):
        mailed[str(mail["To"]).partition("@")[0]].add(str(mail["Message-ID"]))
    for request in list(hooks.requests):
        posted[request.path.rpartition("/")[2]].add(request.headers["webhook-id"])
    return mailed, posted


def test_each_is_told_once(portal: Stack, mails: MailReceiver, hooks: HTTPReceiver) -> None:
    portal.manage("shell", "-c", MAKE.replace("URL", hooks.url))
    portal.manage("shell", "-c", START)
    for share in (0.1, 0.3, 0.6):
        enough = PEOPLE * share

        def are_delivered(enough: float = enough) -> bool:
            return len(mails.mails) > enough or len(hooks.requests) > enough

        wait_for(are_delivered, f"{share:.0%} are delivered", LIMIT)
        portal.kill("worker")
        portal.manage("shell", "-c", START)

    def has_everybody() -> bool:
        enough = len(mails.mails) >= PEOPLE and len(hooks.requests) >= PEOPLE
        return enough and all(len(found) == PEOPLE for found in ids_by_person(mails, hooks))

    wait_for(
        has_everybody,
        "everybody got mail and a webhook",
        LIMIT,
        every=0.5,
    )
    mailed, posted = ids_by_person(mails, hooks)
    assert all(len(ids) == 1 for ids in mailed.values()), "a mail that came twice had another Message-ID"
    assert all(len(ids) == 1 for ids in posted.values()), "a webhook that came twice had another id"
    everybody = {f"many{number}" for number in range(PEOPLE)}
    assert set(mailed) == set(posted) == everybody
    assert in_inboxes(portal) == dict.fromkeys(everybody, 1)

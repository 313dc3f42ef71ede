"""Webhooks to real HTTP receivers: signed as the Standard Webhooks library verifies, retried, listed, switched off."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import Notification, User, Webhook, WebhookDelivery
from accounts.notifications import webhook_delivery
from accounts.notifications.backoff import WEBHOOK_DELAYS
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import notify
from accounts.refusals import Refused
from accounts.tasks import send_due_webhooks
from tests.accounts.notifications.receivers import HTTPReceiver, http_receiver, say

pytestmark = pytest.mark.django_db
KIND = NotificationKind.JOB_FAILED


@pytest.fixture
def receiver(settings: Settings) -> Iterator[HTTPReceiver]:
    settings.HEADNODE_WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    with http_receiver() as found:
        yield found


@pytest.fixture
def hook(alice: User, receiver: HTTPReceiver) -> tuple[Webhook, str]:
    return services.add_webhook(SYSTEM, alice, receiver.url, [])


def tell(person: User, **facts: str) -> WebhookDelivery:
    row = notify(person, KIND, "Exit status 3.", title="wing failed", link="/jobs/x/", facts=facts)
    assert row is not None
    return row.deliveries.get()


def make_due(delivery: WebhookDelivery) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk, due_at__isnull=False).update(due_at=timezone.now())


def answering(status: int, body: bytes = b"", **headers: str) -> object:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        say(handler, status, body, **headers)

    return answer


def test_it_is_signed_as_receivers_verify(
    alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    delivery = tell(alice, job="x", name="Flügel ✈")
    assert send_due_webhooks() == 1
    (request,) = receiver.requests
    found = Verifier(hook[1]).verify(request.body, request.headers)
    assert found["type"] == "job_failed"
    assert (
        found["data"]["job"] == "x"
        and found["data"]["name"] == "Flügel ✈"
        and found["data"]["title"] == "wing failed"
    )
    assert found["data"]["link"].startswith("http://") and found["data"]["link"].endswith("/jobs/x/")
    assert request.headers["webhook-id"] == delivery.message_id
    with pytest.raises(WebhookVerificationError):
        Verifier(hook[1]).verify(request.body.replace(b"wing", b"wind"), request.headers)


def test_accepted_once_is_not_sent_again(
    alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    delivery = tell(alice)
    send_due_webhooks()
    send_due_webhooks()
    delivery.refresh_from_db()
    assert len(receiver.requests) == 1
    assert delivery.delivered_at and delivery.due_at is None
    assert [(one.status, one.error) for one in delivery.tries.all()] == [(204, "")]


def test_a_failure_is_listed_and_tried_later_under_its_id(
    alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    receiver.answer = answering(500, b"out of order")  # type: ignore[assignment]  # a function
    delivery = tell(alice)
    send_due_webhooks()
    delivery.refresh_from_db()
    assert delivery.due_at is not None and delivery.due_at > timezone.now() and delivery.delivered_at is None
    assert [(one.status, one.answer) for one in delivery.tries.all()] == [(500, "out of order")]
    assert send_due_webhooks() == 0
    receiver.answer = answering(200)  # type: ignore[assignment]  # a function
    make_due(delivery)
    send_due_webhooks()
    assert WebhookDelivery.objects.get(pk=delivery.pk).delivered_at is not None
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert {bytes(request.body) for request in receiver.requests} == {delivery.body.encode()}
    hook[0].refresh_from_db()
    assert hook[0].failing_since is None


def test_it_asks_for_more_time(alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver) -> None:
    receiver.answer = answering(429, Retry_After="3600")  # type: ignore[assignment]  # a function
    delivery = tell(alice)
    send_due_webhooks()
    delivery.refresh_from_db()
    assert delivery.due_at is not None and delivery.due_at > timezone.now() + timedelta(minutes=59)


def fail_to_the_end(delivery: WebhookDelivery) -> int:
    tries = 0
    while delivery.due_at is not None:
        make_due(delivery)
        tries += send_due_webhooks()
        delivery.refresh_from_db()
    return tries


def test_lasting_failure_switches_it_off_and_its_owner_is_told(
    alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    receiver.answer = answering(503)  # type: ignore[assignment]  # a function
    delivery, other = tell(alice), tell(alice)
    assert fail_to_the_end(delivery) >= len(WEBHOOK_DELAYS) + 1
    found = Webhook.objects.get()
    assert not found.enabled and found.switched_off_at
    told = Notification.objects.get(kind="webhook_off", person=alice)
    assert receiver.url.removesuffix("hook") + "…" in told.text and not told.deliveries.exists()
    assert told.link == f"/settings/webhooks/{found.pk}/"
    other.refresh_from_db()
    assert other.due_at is None
    assert alice.audit_events_about.filter(action="accounts:webhook:switched_off").count() == 1


def test_three_days_of_tries() -> None:
    assert timedelta(hours=70) < sum(WEBHOOK_DELAYS, timedelta()) < timedelta(hours=74)


def test_one_that_took_something_meanwhile_stays_on(
    alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    receiver.answer = lambda handler: say(handler, 400 if b"poison" in receiver.requests[-1].body else 200)
    poison = tell(alice, what="poison")
    send_due_webhooks()
    tell(alice, what="good")
    send_due_webhooks()
    Webhook.objects.update(failing_since=None)
    poison.tries.update(at=timezone.now() - timedelta(days=3))
    fail_to_the_end(poison)
    assert Webhook.objects.get().enabled


def test_gone_is_taken_at_its_word(alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver) -> None:
    receiver.answer = answering(410)  # type: ignore[assignment]  # a function
    tell(alice)
    send_due_webhooks()
    assert not Webhook.objects.get().enabled
    assert Notification.objects.filter(kind="webhook_off").count() == 1


def test_redirects_are_not_followed(alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver) -> None:
    with http_receiver() as other:
        receiver.answer = answering(307, Location=other.url)  # type: ignore[assignment]  # a function
        delivery = tell(alice)
        send_due_webhooks()
        assert other.requests == []
    (tried,) = delivery.tries.all()
    assert tried.status == 307 and "redirects" in tried.error


def test_the_test_arrives(alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver) -> None:
    services.send_webhook_test(hook[0])
    send_due_webhooks()
    assert json.loads(receiver.requests[0].body)["type"] == "test"
    assert Verifier(hook[1]).verify(receiver.requests[0].body, receiver.requests[0].headers)


def test_send_again_keeps_the_id(alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver) -> None:
    delivery = tell(alice)
    send_due_webhooks()
    services.send_delivery_again(delivery)
    send_due_webhooks()
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] and first.body == second.body
    assert delivery.tries.count() == 2


def test_what_is_off_gets_nothing(alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver) -> None:
    delivery = tell(alice)
    services.change_webhook(SYSTEM, hook[0], enabled=False)
    assert send_due_webhooks() == 0 and receiver.requests == []
    delivery.refresh_from_db()
    assert delivery.due_at is None
    hook[0].refresh_from_db()
    delivery.webhook.refresh_from_db()
    with pytest.raises(Refused, match="off"):
        services.send_webhook_test(hook[0])
    with pytest.raises(Refused, match="off"):
        services.send_delivery_again(delivery)


def test_what_fails_after_it_was_switched_off_is_not_tried_again(
    alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    receiver.answer = answering(500)  # type: ignore[assignment]  # a function
    delivery = tell(alice)
    under_way = webhook_delivery._claim_next()
    assert under_way is not None
    services.change_webhook(SYSTEM, hook[0], enabled=False)
    webhook_delivery._deliver(under_way)
    delivery.refresh_from_db()
    assert delivery.due_at is None
    assert [one.status for one in delivery.tries.all()] == [500]


def test_one_that_is_removed_while_it_is_posted_to_leaves_nothing(
    alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    tell(alice)
    under_way = webhook_delivery._claim_next()
    assert under_way is not None
    services.remove_webhook(SYSTEM, hook[0])
    webhook_delivery._deliver(under_way)
    assert len(receiver.requests) == 1
    assert not WebhookDelivery.objects.exists()


def test_a_deactivated_user_s_webhooks_get_nothing_more(
    alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    tell(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert send_due_webhooks() == 0
    assert receiver.requests == []


def test_threads_that_wake_together_keep_to_the_share(alice: User, hook: tuple[Webhook, str]) -> None:
    for _ in range(3):
        tell(alice)
    first, second = webhook_delivery._claim_next(), webhook_delivery._claim_next()
    assert first is not None and second is not None
    third = WebhookDelivery.objects.select_related("webhook__owner").get(claimed_until=None)
    # As if a third thread had looked before the other two had claimed.
    WebhookDelivery.objects.filter(pk=third.pk).update(claimed_until=timezone.now() + webhook_delivery.CLAIM)
    assert not webhook_delivery._is_within_share(third)
    third.refresh_from_db()
    assert third.claimed_until is None, "it is given back"


def test_a_try_that_was_interrupted_is_made_again(
    alice: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    delivery = tell(alice)
    claimed = webhook_delivery._claim_next()
    assert claimed is not None and send_due_webhooks() == 0
    WebhookDelivery.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert send_due_webhooks() == 1
    assert receiver.requests[0].headers["webhook-id"] == delivery.message_id


def test_nobody_takes_all_threads(
    alice: User, bob: User, hook: tuple[Webhook, str], receiver: HTTPReceiver
) -> None:
    services.add_webhook(SYSTEM, bob, receiver.url, [])
    for _ in range(4):
        tell(alice)
    tell(bob)
    claimed = [webhook_delivery._claim_next() for _ in range(5)]
    owners = [found.webhook.owner.username for found in claimed if found is not None]
    assert sorted(owners) == ["alice", "alice", "bob"]


def test_the_secret_is_not_in_the_database(hook: tuple[Webhook, str]) -> None:
    assert hook[1].removeprefix("whsec_") not in str(list(Webhook.objects.values()))

"""The webhooks pages: the secret once, deliveries with answers, nobody else's."""

import pytest
from django.test import Client

from accounts import services
from accounts.audit.trail import SYSTEM
from accounts.models import User, Webhook, WebhookAttempt, WebhookDelivery
from accounts.notifications.kinds import NotificationKind

pytestmark = pytest.mark.django_db
URL = "/settings/webhooks/"


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def hook(alice: User) -> Webhook:
    return services.add_webhook(SYSTEM, alice, "https://example.org/hook", [])[0]


def test_the_secret_is_shown_once(page: Client, alice: User) -> None:
    answer = page.post(URL, {"url": "https://example.org/hook", "kinds": ["job_failed"]})
    secret = answer.context["secret"]
    assert secret.startswith("whsec_") and secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert secret not in page.get(URL).content.decode()
    assert alice.webhooks.get().kinds == ["job_failed"]


def test_all_kinds_is_every_kind_also_later_ones(page: Client, alice: User) -> None:
    page.post(URL, {"url": "https://example.org/", "kinds": [kind.value for kind in NotificationKind]})
    assert alice.webhooks.get().kinds == []


@pytest.mark.parametrize("url", ["", "example.org", "http://user:pw@example.org/"])
def test_a_wrong_address_comes_back_with_a_sentence(page: Client, alice: User, url: str) -> None:
    answer = page.post(URL, {"url": url, "kinds": ["job_failed"]})
    assert answer.status_code == 400 and 'id="webhook-url-error"' in answer.content.decode()
    assert not alice.webhooks.exists()


def test_a_kind_that_there_is_not(page: Client, alice: User) -> None:
    answer = page.post(URL, {"url": "https://example.org/", "kinds": ["job_failed", "nonsense"]})
    assert answer.status_code == 400 and "There is no kind “nonsense”" in answer.content.decode()


def test_no_kind_at_all_is_not_every_kind(page: Client, alice: User, hook: Webhook) -> None:
    for address in (URL, f"{URL}{hook.pk}/"):
        answer = page.post(address, {"url": "https://example.org/new", "enabled": "on"})
        assert answer.status_code == 400
        assert "Choose at least one kind." in answer.content.decode()
    assert [row.url for row in alice.webhooks.all()] == [hook.url]


def test_answers_are_listed_as_text(page: Client, hook: Webhook) -> None:
    delivery = WebhookDelivery.objects.create(webhook=hook, message_id="msg_1", body="{}", due_at=None)
    WebhookAttempt.objects.create(
        delivery=delivery, status=500, answer="<script>alert(1)</script>", milliseconds=12
    )
    shown = page.get(f"{URL}{hook.pk}/").content.decode()
    assert "Answer 500" in shown and "&lt;script&gt;alert(1)" in shown and "<script>alert" not in shown
    assert "Given up" in shown and "Send again" in shown


def test_send_again_and_test(page: Client, hook: Webhook) -> None:
    page.post(f"{URL}{hook.pk}/test/")
    delivery = hook.deliveries.get()
    hook.deliveries.update(due_at=None)
    assert page.post(f"{URL}{hook.pk}/deliveries/{delivery.pk}/again/").status_code == 302
    delivery.refresh_from_db()
    assert delivery.due_at is not None
    page.post(f"{URL}{hook.pk}/", {"url": hook.url, "kinds": ["job_failed"]})  # without "enabled"
    assert page.post(f"{URL}{hook.pk}/test/").status_code == 409


def test_changes_are_saved(page: Client, hook: Webhook) -> None:
    page.post(
        f"{URL}{hook.pk}/", {"url": "https://example.org/other", "kinds": ["job_ended"], "enabled": "on"}
    )
    hook.refresh_from_db()
    assert (hook.url, hook.kinds, hook.enabled) == ("https://example.org/other", ["job_ended"], True)
    assert (
        page.post(f"{URL}{hook.pk}/", {"url": "x", "kinds": ["job_ended"], "enabled": "on"}).status_code
        == 400
    )


def test_removing_asks_first(page: Client, hook: Webhook) -> None:
    assert "Remove this webhook?" in page.post(f"{URL}{hook.pk}/remove/").content.decode()
    page.post(f"{URL}{hook.pk}/remove/", {"confirmed": "1"})
    assert not Webhook.objects.exists()


def test_it_is_nobody_elses(client: Client, hook: Webhook, charlie: User) -> None:
    delivery = WebhookDelivery.objects.create(webhook=hook, message_id="msg_1", body="{}")
    client.force_login(charlie)
    assert hook.url not in client.get(URL).content.decode()
    for address in (f"{URL}{hook.pk}/", f"{URL}{hook.pk}/deliveries/"):
        assert client.get(address).status_code == 404
    for address in ("test/", "remove/", "", f"deliveries/{delivery.pk}/again/"):
        assert client.post(f"{URL}{hook.pk}/{address}", {"confirmed": "1"}).status_code == 404
    assert Webhook.objects.exists()

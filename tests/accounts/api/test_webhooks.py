"""Webhooks over the REST API."""

from typing import Any

import pytest

from accounts.models import User, Webhook, WebhookDelivery
from tests.api import client_of

pytestmark = pytest.mark.django_db
URL = "/api/v2/users/me/webhooks/"


def add(person: User, url: str = "https://example.org/hook", **more: Any) -> Any:
    return client_of(person).post(URL, {"url": url, **more}, format="json")


def test_the_secret_comes_once(alice: User) -> None:
    answer = add(alice, kinds=["job_failed"])
    assert answer.status_code == 201 and answer.json()["secret"].startswith("whsec_")
    (shown,) = client_of(alice).get(URL).json()["results"]
    assert "secret" not in shown
    assert (shown["url"], shown["kinds"], shown["enabled"], shown["lastDeliveries"]) == (
        "https://example.org/hook", ["job_failed"], True, [],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"url": "ftp://example.org/"}, "webhook_url_invalid"),
        ({"url": ""}, "webhook_url_invalid"),
        ({"url": "https://example.org/", "kinds": ["nonsense"]}, "webhook_kind_unknown"),
    ],
)
def test_what_is_wrong_is_said(alice: User, body: dict[str, Any], reason: str) -> None:
    answer = client_of(alice).post(URL, body, format="json")
    assert answer.status_code == 400 and answer.json()["reason"] == reason


@pytest.mark.parametrize(
    "body", [{}, {"url": None}, {"url": ["x"]}, {"url": "https://example.org/", "kinds": "job_failed"}, []]
)
def test_wrong_shapes_are_refused(alice: User, body: Any) -> None:
    assert client_of(alice).post(URL, body, format="json").status_code == 400


def test_change_test_again_remove(alice: User) -> None:
    one = f"{URL}{add(alice).json()['id']}/"
    client = client_of(alice)
    tried = client.post(f"{one}test/")
    assert tried.status_code == 202 and tried.json()["kind"] == "test" and tried.json()["nextTryAt"]
    WebhookDelivery.objects.update(due_at=None)
    again = client.post(f"{one}deliveries/{tried.json()['id']}/send-again/")
    assert (
        again.status_code == 202
        and again.json()["messageId"] == tried.json()["messageId"]
        and again.json()["nextTryAt"]
    )
    assert client.get(one).json()["lastDeliveries"][0]["id"] == tried.json()["id"]
    assert client.patch(one, {"enabled": False}, format="json").json()["enabled"] is False
    refused = client.post(f"{one}test/")
    assert refused.status_code == 409 and refused.json()["reason"] == "webhook_off"
    assert client.patch(one, {"url": "nonsense"}, format="json").status_code == 400
    assert client.delete(one).status_code == 204 and not Webhook.objects.exists()


def test_there_is_an_end_to_it(alice: User) -> None:
    for _ in range(20):
        assert add(alice).status_code == 201
    assert add(alice).json()["reason"] == "too_many_webhooks"


def test_it_is_nobody_elses(alice: User, charlie: User) -> None:
    one = f"{URL}{add(alice).json()['id']}/"
    delivery = client_of(alice).post(f"{one}test/").json()["id"]
    client = client_of(charlie)
    assert client.get(URL).json()["count"] == 0
    assert client.get(one).status_code == 404
    assert client.patch(one, {"enabled": False}, format="json").status_code == 404
    assert client.delete(one).status_code == 404
    assert client.post(f"{one}test/").status_code == 404
    assert client.post(f"{one}deliveries/{delivery}/send-again/").status_code == 404

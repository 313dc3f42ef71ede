"""Two windows change the same thing: the second is told what happened, and sees the list as it is."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from tests.factories import AccessRuleFactory, APITokenFactory, SSHKeyFactory

pytestmark = pytest.mark.django_db
CONFIRMED = {"confirmed": "1"}
HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("what", "verb"),
    [
        ("keys", "remove"),
        ("keys", "disable"),
        ("keys", "enable"),
        ("keys", "expiry"),
        ("rules", "remove"),
        ("tokens", "end"),
    ],
)
def test_what_another_window_removed_is_said(
    client: Client, alice: User, charlie: User, what: str, verb: str, headers: dict[str, str]
) -> None:
    factory: Any = {"keys": SSHKeyFactory, "rules": AccessRuleFactory, "tokens": APITokenFactory}[what]
    base = "/settings/tokens" if what == "tokens" else f"/settings/job/{what}"
    last = "end" if what == "tokens" else "remove"
    row, others = factory.create(owner=alice), factory.create(owner=charlie)
    client.force_login(alice)
    assert client.post(f"{base}/{row.pk}/{last}/", CONFIRMED, headers=headers).status_code in (200, 302)
    events = AuditEvent.objects.count()

    answer = client.post(f"{base}/{row.pk}/{verb}/", CONFIRMED, headers=headers)
    html = answer.content.decode()
    assert answer.status_code == 404
    assert "is no longer in your list" in html and "perhaps in another window" in html
    assert ("<!doctype" in html.lower()) == (not headers), "htmx gets the section, which it shows"
    assert AuditEvent.objects.count() == events

    # What belongs to somebody else looks the same, and stays.
    strange = client.post(f"{base}/{others.pk}/{verb}/", CONFIRMED, headers=headers)
    assert (strange.status_code, "is no longer in your list" in strange.content.decode()) == (404, True)
    assert type(others).objects.filter(pk=others.pk).exists()


def test_an_administrators_rule_that_was_removed_is_said(client: Client, admin: User) -> None:
    client.force_login(admin)
    for path in ("/administration/recording/999/remove/", "/administration/leftovers/999/remove/"):
        answer = client.post(path, CONFIRMED, follow=True)
        assert answer.status_code == 200, path
        assert any(text in answer.content.decode() for text in ("removed before", "is gone already"))

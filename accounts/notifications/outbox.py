"""Tell a person something: the outbox row, written in the transaction of what happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Notification, User
from accounts.notifications import mail_settings, wakeups, webhook_outbox
from accounts.notifications.choices import channels_of
from accounts.notifications.kinds import NotificationKind

MAX_TITLE, MAX_TEXT = 200, 8000


@dataclass(frozen=True)
class Action:
    """Something the person can do about it: the path of a page that asks, and the text of its button."""

    link: str
    text: str


def notify(
    person: User,
    kind: NotificationKind,
    text: str,
    *,
    title: str = "",
    link: str = "",
    action: Action | None = None,
    key: str = "",
    facts: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> Notification | None:
    """Tell one person of one thing, in the ways they chose. Return the row; None if nothing new is told.

    Call it in the transaction of what happened: delivery begins when that commits. `text` is a sentence or two, `link`
    the path of the page about it, `facts` JSON for webhooks. With a `key`, the person is told once of each kind and
    key, however often this is called. Nobody is told who chose none of the ways, or whose account is not active.
    """
    if not person.is_active:
        return None
    channels = channels_of(person, kind)
    wants_mail = channels.mail and bool(person.email) and mail_settings.has_mail_server()
    with transaction.atomic():
        hooks = webhook_outbox.wanting(person, kind) if channels.webhook else []
        if not (channels.page or wants_mail or hooks):
            return None
        row = _insert(
            Notification(
                person=person,
                kind=kind.value,
                key=key[:200],
                title=_one_line(title or kind.heading)[:MAX_TITLE],
                text=text.replace("\0", "")[:MAX_TEXT],
                link=link,
                action_link=action.link if action else "",
                action_text=action.text if action else "",
                facts=dict(facts or {}),
                at=at or timezone.now(),
                on_page=channels.page,
                wants_mail=wants_mail,
            )
        )
        if row is None:
            return None
        for hook in hooks:
            webhook_outbox.add_delivery(hook, row)
        if wants_mail:
            transaction.on_commit(wakeups.wake_mail, robust=True)
        if hooks:
            transaction.on_commit(wakeups.wake_webhooks, robust=True)
    return row


def _insert(row: Notification) -> Notification | None:
    """Insert the row; return None if the person was told before."""
    if not row.key:
        row.save(force_insert=True)
        return row
    Notification.objects.bulk_create([row], ignore_conflicts=True)
    return Notification.objects.filter(uid=row.uid).first()


def _one_line(text: str) -> str:
    return " ".join(text.replace("\0", "").split())

"""Write a mail: plain text and HTML of one design, from the notifications in it."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Mail, Notification
from accounts.notifications.kinds import NotificationKind, find_kind
from accounts.notifications.mail_settings import absolute
from accounts.notifications.unsubscribing import unsubscribe_url


def message_id(mail: Mail) -> str:
    """Return the Message-ID: the same however often the mail is tried, so that a second copy is recognised."""
    return f"<{mail.uid}@{settings.HEADNODE_NAME}>"


def write_message(mail: Mail, rows: Sequence[Notification]) -> EmailMultiAlternatives:
    """Return the mail as Django's backends send it. `rows` are its notifications, oldest first, at least one."""
    kinds = list(dict.fromkeys(kind for row in rows if (kind := find_kind(row.kind))))
    context = {
        "portal": settings.HEADNODE_NAME,
        "name": mail.person.get_full_name() or mail.person.get_username(),
        "rows": [_row(row) for row in rows],
        "heading": _heading(rows),
        "stops": [{"heading": kind.heading, "url": unsubscribe_url(mail.person, [kind])} for kind in kinds],
        "choices_url": absolute(reverse("notification_choices")),
        "inbox_url": absolute(reverse("notifications")),
    }
    message = EmailMultiAlternatives(
        f"[{settings.HEADNODE_NAME}] {_heading(rows)}",
        render_to_string("accounts/mail/notification.txt", context),
        to=[mail.person.email],
        headers=_headers(mail, kinds),
    )
    message.attach_alternative(render_to_string("accounts/mail/notification.html", context), "text/html")
    return message


def _headers(mail: Mail, kinds: list[NotificationKind]) -> dict[str, str]:
    headers = {
        "Message-ID": message_id(mail),
        "Auto-Submitted": "auto-generated",  # no out-of-office answers (RFC 3834)
        "X-Headnode-Kinds": ",".join(kinds),
    }
    if kinds:
        headers["List-Unsubscribe"] = f"<{unsubscribe_url(mail.person, kinds)}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _heading(rows: Sequence[Notification]) -> str:
    return rows[0].title if len(rows) == 1 else f"{len(rows)} notifications"


def _row(row: Notification) -> dict[str, Any]:
    return {
        "title": row.title,
        "text": row.text,
        "lines": row.facts.get("lastLines", []),  # of the output of a command that failed
        "at": row.at,
        "link": absolute(reverse("notification_open", args=[row.pk])) if row.link else "",
        "action_link": absolute(row.action_link) if row.action_link else "",
        "action_text": row.action_text,
    }

"""Send the mail that is due.

1. Put notifications that are to be mailed into mails (`digest` decides). From then on each has one mail.
2. Claim a mail that is due, send it, note that it was sent; repeat while one is due.
3. What failed is due again later. One that was sent while the process was killed is sent again, under its Message-ID.
"""

import logging
import random
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Mail, Notification
from accounts.notifications import mail_settings
from accounts.notifications.backoff import MAIL_DELAYS, delay_after
from accounts.notifications.digest import Pending, groups_due
from accounts.notifications.kinds import NotificationKind, find_kind
from accounts.notifications.mail_message import write_message

# A mail server that answers slowly has this long for one mail before another process may try.
CLAIM = timedelta(seconds=100)
# These neither wait for a digest nor make others wait.
URGENT = [kind.value for kind in NotificationKind if kind.is_urgent]
logger = logging.getLogger(__name__)


def send_due_mail() -> int:
    """Make and send the mails that are due. Return how many were sent."""
    if not mail_settings.has_mail_server():
        return 0
    compose_due()
    sent = 0
    connection = get_connection()
    try:
        while mail := _claim_next():
            try:
                sent += _send(mail, connection)
            except OSError as error:  # the server does not answer: the others need not find that out, too
                logger.warning("the mail server does not take mail: %s", error)
                break
    finally:
        _close(connection)
    return sent


def compose_due() -> None:
    """Put what is to be mailed now into mails, person by person."""
    pending = Notification.objects.filter(wants_mail=True, mail=None).order_by()
    for person_id in pending.values_list("person_id", flat=True).distinct():
        _compose(person_id)


def _compose(person_id: int) -> None:
    now, window = timezone.now(), settings.HEADNODE_MAIL_DIGEST_WINDOW
    rows = Notification.objects.filter(person_id=person_id, wants_mail=True, mail=None).order_by("id")
    with transaction.atomic():
        pending = [Pending(row.pk, row.at, _is_urgent(row.kind)) for row in rows]
        made = Mail.objects.filter(person_id=person_id, created_at__gt=now - window)
        recent = made.exclude(notifications__kind__in=URGENT).count()
        for ids in groups_due(pending, recent, now, window):
            _put_together(person_id, ids)


def _is_urgent(word: str) -> bool:
    kind = find_kind(word)
    return kind is not None and kind.is_urgent


def _put_together(person_id: int, ids: list[int]) -> None:
    """Make one mail of these notifications, unless another process has put them into theirs."""
    with transaction.atomic():
        mail = Mail.objects.create(person_id=person_id)
        if Notification.objects.filter(pk__in=ids, mail=None).update(mail=mail) == 0:
            mail.delete()


def _claim_next() -> Mail | None:
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    for pk in Mail.objects.filter(free, due_at__lte=now).order_by("due_at").values_list("pk", flat=True)[:20]:
        if Mail.objects.filter(free, pk=pk, due_at__lte=now).update(claimed_until=now + CLAIM) == 1:
            return Mail.objects.select_related("person").get(pk=pk)
    return None


def _send(mail: Mail, connection: BaseEmailBackend) -> bool:
    """Send one mail and save what came of it. Raises OSError if the server cannot be reached."""
    rows = list(mail.notifications.order_by("id"))
    if not rows or not mail.person.is_active or not mail.person.email:
        _save(mail, due_at=None, error="There is nobody to send it to.")
        return False
    try:
        connection.open()
        connection.send_messages([write_message(mail, rows)])
    except (SMTPRecipientsRefused, SMTPDataError) as error:  # it is this mail that the server does not take
        _close(connection)
        _save_failure(mail, error, is_final=_is_final(error))
        return False
    except (OSError, SMTPException) as error:
        _close(connection)
        _save_failure(mail, error)
        raise OSError(str(error)) from error
    except ValueError as error:  # an address or a header that no mail can have
        _save_failure(mail, error, is_final=True)
        return False
    _save(mail, due_at=None, sent_at=timezone.now(), error="")
    return True


def _is_final(error: SMTPRecipientsRefused | SMTPDataError) -> bool:
    """Return whether the server refuses this mail for good (5xx): trying again would annoy it only."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return 500 <= error.smtp_code < 600


def _save_failure(mail: Mail, error: Exception, is_final: bool = False) -> None:
    delay = None if is_final else delay_after(mail.attempts + 1, MAIL_DELAYS, random.random())
    due_at = None if delay is None else timezone.now() + delay
    logger.warning("mail %s was not sent: %s", mail.uid, error)
    _save(mail, due_at=due_at, error=str(error)[:500])


def _save(mail: Mail, due_at: datetime | None, error: str, sent_at: datetime | None = None) -> None:
    Mail.objects.filter(pk=mail.pk).update(
        due_at=due_at, error=error, sent_at=sent_at, attempts=mail.attempts + 1, claimed_until=None
    )


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, SMTPException) as error:
        logger.info("the mail server was left without a goodbye: %s", error)

"""Have what is due delivered at once. If a message is lost, the sweep finds the rows within seconds."""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

SEND_MAIL = "accounts.send_due_mail"
SEND_WEBHOOKS = "accounts.send_due_webhooks"
# Their messages have threads of their own (portal/delivery_consumers.py): a slow receiver holds up no pass.
MAIL_QUEUE = "mail"
WEBHOOK_QUEUE = "webhooks"
logger = logging.getLogger(__name__)


def wake_mail() -> None:
    """Send a message that mail is due."""
    _send(SEND_MAIL, MAIL_QUEUE)


def wake_webhooks() -> None:
    """Send a message that webhook deliveries are due."""
    _send(SEND_WEBHOOKS, WEBHOOK_QUEUE)


def _send(task: str, queue: str) -> None:
    try:
        current_app.send_task(task, queue=queue, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning("no message for %s (%s); the sweep will find what is due", task, error)

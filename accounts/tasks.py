"""The Celery tasks of accounts."""

from celery import shared_task

from accounts.notifications import (
    expiry,
    key_expiry_reminders,
    mail_delivery,
    token_expiry_reminders,
    wakeups,
    webhook_delivery,
)
from accounts.services.api_tokens import delete_long_ended_tokens


@shared_task(name="accounts.remind")
def remind() -> int:
    """Send reminders of keys and tokens that expire soon. Return how many."""
    return key_expiry_reminders.send_due_reminders() + token_expiry_reminders.send_due_token_reminders()


@shared_task(name="accounts.delete_ended_tokens")
def delete_ended_tokens() -> int:
    """Delete the rows of tokens that ended long ago. Return how many."""
    return delete_long_ended_tokens()


@shared_task(name=wakeups.SEND_MAIL)
def send_due_mail() -> int:
    """Send the mail that is due. Return how many mails were sent."""
    return mail_delivery.send_due_mail()


@shared_task(name=wakeups.SEND_WEBHOOKS)
def send_due_webhooks() -> int:
    """Deliver what is due to webhooks. Return how many tries were made."""
    return webhook_delivery.deliver_due()


@shared_task(name="accounts.delete_old_notifications")
def delete_old_notifications() -> int:
    """Delete notifications, mails and deliveries that are old. Return how many."""
    return expiry.delete_old()

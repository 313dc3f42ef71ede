"""The Celery tasks of accounts."""

from celery import shared_task

from accounts.notifications import key_expiry_reminders


@shared_task(name="accounts.remind")
def remind() -> int:
    """Send reminders of keys that expire soon. Return how many."""
    return key_expiry_reminders.send_due_reminders()

"""Celery tasks of accounts: three lines each."""

from celery import shared_task

from accounts.notifications import key_expiry_reminders


@shared_task(name="accounts.remind")
def remind() -> int:
    """Tell people of keys that are about to expire."""
    return key_expiry_reminders.send_due()

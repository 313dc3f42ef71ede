"""Remember whether only one user may have an account. The apps above know whether nodes keep users apart."""

from django.db import transaction

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import SYSTEM, record
from accounts.models import SingleUserMode


def remember_single_user(on: bool) -> None:
    """Switch the mode on or off, with an audit event if that is a change."""
    if SingleUserMode.objects.exists() == on:
        return
    with transaction.atomic():
        if on:
            _, changed = SingleUserMode.objects.get_or_create(pk=1)
        else:
            changed = bool(SingleUserMode.objects.all().delete()[0])
        if changed:
            action = AccountsAuditAction.SINGLE_USER_ON if on else AccountsAuditAction.SINGLE_USER_OFF
            record(SYSTEM, action, "portal", 1)

"""Create the administrator `admin` with a given password, unless there is an administrator already."""

from django.db import IntegrityError, transaction

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import SYSTEM, record
from accounts.models import User
from accounts.users.loopback_access import give_loopback_access

NAME = "admin"


def is_missing() -> bool:
    """Return whether the portal has no administrator yet."""
    return not User.objects.filter(is_superuser=True).exists()


def create_if_missing(password: str) -> bool:
    """Create the administrator `admin` unless there is an administrator. Return whether it was created."""
    if not is_missing():
        return False
    try:
        with transaction.atomic():
            user = User.objects.create_superuser(NAME, password=password)
            record(
                SYSTEM,
                AccountsAuditAction.USER_ADDED,
                "user",
                user.pk,
                owner=user,
                after={"administrator": True},
            )
            give_loopback_access(SYSTEM, user)
    except IntegrityError:  # another process was first, or another user has the name
        return False
    return True

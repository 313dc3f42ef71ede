"""The administrator a new portal begins with."""

from django.db import IntegrityError, transaction

from accounts.audit.trail import SYSTEM, record
from accounts.models import User

NAME = "admin"


def missing() -> bool:
    """Whether this portal has no administrator yet."""
    return not User.objects.filter(is_superuser=True).exists()


def create(password: str) -> bool:
    """Make the administrator `admin` with this password, unless there is one; answer whether it was made."""
    if not missing():
        return False
    try:
        with transaction.atomic():
            user = User.objects.create_superuser(NAME, password=password)
            record(SYSTEM, "accounts:user:added", "user", user.pk, owner=user, after={"administrator": True})
    except IntegrityError:  # another process was first, or an ordinary person has the name
        return False
    return True

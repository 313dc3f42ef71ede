"""Who administers the portal."""

from accounts.audit.trail import Actor
from accounts.models import User
from accounts.refusals import Refused


def is_administrator(user: User) -> bool:
    """Whether the person may do what only administrators may."""
    return user.is_active and user.is_superuser


def check_administrator(actor: Actor, message: str) -> None:
    """Raise Refused (`not_administrator`, 403) with this sentence unless an administrator or the portal itself acts."""
    if actor.user is not None and not is_administrator(actor.user):
        raise Refused("not_administrator", message, status=403)

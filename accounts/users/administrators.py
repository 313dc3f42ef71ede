"""Who is an administrator, and the one check for what only administrators may do."""

from accounts.audit.trail import Actor
from accounts.models import User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused


def is_administrator(user: User) -> bool:
    """Return whether the user is an active administrator, and not signed in by a token without that scope."""
    return user.is_active and user.is_superuser and not user.without_administration


def check_administrator(actor: Actor, message: str) -> None:
    """Raise Refused (`not_administrator`, 403) with this message unless an administrator or the portal itself acts."""
    if actor.user is not None and not is_administrator(actor.user):
        raise Refused(RefusalReason.NOT_ADMINISTRATOR, message, status=403)

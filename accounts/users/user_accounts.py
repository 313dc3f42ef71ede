"""Create user accounts."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.users.loopback_access import give_loopback_access


def add_user(actor: Actor, name: str, email: str, password: str, administrator: bool = False) -> User:
    """Create a user account. Raises Refused: `name_invalid`, `name_taken`, `password_weak`, `single_person`."""
    try:
        User.username_validator(name)
        if len(name) > 150:
            raise ValidationError("too long")
    except ValidationError as error:
        raise Refused(
            RefusalReason.NAME_INVALID,
            "A user name has at most 150 letters, digits and @ . + - _.",
            field="username",
        ) from error
    try:
        validate_password(password, User(username=name, email=email))
    except ValidationError as error:
        raise Refused(RefusalReason.PASSWORD_WEAK, " ".join(error.messages), field="password") from error
    # Before the transaction: the answer may take its time, and stays although the user is refused.
    User.objects.ask_whether_limited()
    create = User.objects.create_superuser if administrator else User.objects.create_user
    try:
        with transaction.atomic():
            user = create(name, email, password)
            after = {"administrator": administrator}
            record(actor, AccountsAuditAction.USER_ADDED, "user", user.pk, owner=user, after=after)
            give_loopback_access(actor, user)
    except IntegrityError as error:
        raise Refused(
            RefusalReason.NAME_TAKEN, f"There is already a user named {name}.", field="username"
        ) from error
    return user

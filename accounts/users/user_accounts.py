"""Adding people: what an administrator does."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused


def add_person(actor: Actor, name: str, email: str, password: str, administrator: bool = False) -> User:
    """Make an account. Raises Refused: `name_invalid`, `name_taken`, `password_weak`, `single_person`."""
    try:
        User.username_validator(name)
        if len(name) > 150:
            raise ValidationError("too long")
    except ValidationError as error:
        raise Refused(
            "name_invalid", "A user name has at most 150 letters, digits and @ . + - _.", field="username"
        ) from error
    try:
        validate_password(password, User(username=name, email=email))
    except ValidationError as error:
        raise Refused("password_weak", " ".join(error.messages), field="password") from error
    make = User.objects.create_superuser if administrator else User.objects.create_user
    try:
        with transaction.atomic():
            user = make(name, email, password)
            after = {"administrator": administrator}
            record(actor, "accounts:user:added", "user", user.pk, owner=user, after=after)
    except IntegrityError as error:
        raise Refused("name_taken", f"There is a person named {name} already.", field="username") from error
    return user

"""`python -m portal.embedded.prepare`: migrate the database and create the first administrator."""

import os
import sys

import django
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.management import call_command

from portal.checks import database_problem


class CannotPrepare(Exception):
    """Raised with a sentence for the operator."""


def main() -> int:
    """Run `migrate`, then `ensure_admin`. Print a sentence if that is impossible. Return the exit status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    try:
        if problem := database_problem():
            raise CannotPrepare(problem)
        call_command("migrate", interactive=False, verbosity=0)
        _check_password(os.environ.get("HEADNODE_ADMIN_PASSWORD", ""))
    except CannotPrepare as refused:
        print(refused, file=sys.stderr)
        return 1
    call_command("ensure_admin")
    return 0


def _check_password(password: str) -> None:
    """Check the password of the first administrator by the rules for everybody's, if it is about to be created."""
    from accounts.models import User  # noqa: PLC0415 (models exist only now)
    from accounts.users import first_administrator  # noqa: PLC0415 (see above)

    if not password.strip() or not first_administrator.is_missing():
        return
    try:
        password_validation.validate_password(password, User(username=first_administrator.NAME))
    except ValidationError as error:
        raise CannotPrepare(
            f"HEADNODE_ADMIN_PASSWORD cannot be used: {' '.join(error.messages)} Choose another one, or leave it "
            "unset: one is made and shown once."
        ) from error


if __name__ == "__main__":
    sys.exit(main())

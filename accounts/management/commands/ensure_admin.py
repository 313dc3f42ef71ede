"""`manage.py ensure_admin`: make the first administrator. Safe to repeat."""

import os
import secrets
from typing import Any

from django.core.management.base import BaseCommand

from accounts.users import first_administrator


class Command(BaseCommand):
    """Makes `admin` with HEADNODE_ADMIN_PASSWORD, or with a password made here and printed this once."""

    help = "Make the first administrator, `admin`, if this portal has no administrator yet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Does nothing when there is an administrator: a later HEADNODE_ADMIN_PASSWORD changes nothing."""
        if not first_administrator.missing():
            return
        given = os.environ.get("HEADNODE_ADMIN_PASSWORD", "")
        password = given or secrets.token_urlsafe(12)
        if not first_administrator.create(password):
            return
        if given:
            self.stdout.write("First administrator: admin, with the password of HEADNODE_ADMIN_PASSWORD.")
        else:
            self.stdout.write(
                f"First administrator: admin, password {password} (shown this once: note it down)"
            )

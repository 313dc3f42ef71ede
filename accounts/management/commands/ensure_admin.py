"""`manage.py ensure_admin`: create the first administrator. Safe to repeat."""

import os
import secrets
from typing import Any

from django.core.management.base import BaseCommand

from accounts.users import first_administrator


class Command(BaseCommand):
    """Create `admin` with HEADNODE_ADMIN_PASSWORD, or with a random password that is printed once."""

    help = "Create the first administrator, `admin`, if this portal has no administrator yet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the administrator. If there is one, do nothing: its password is not changed either."""
        if not first_administrator.is_missing():
            return
        given = os.environ.get("HEADNODE_ADMIN_PASSWORD", "")
        password = given or secrets.token_urlsafe(12)
        if not first_administrator.create_if_missing(password):
            return
        if given:
            self.stdout.write("First administrator: admin, with the password of HEADNODE_ADMIN_PASSWORD.")
        else:
            self.stdout.write(
                f"First administrator: admin, password {password} (shown this once: note it down)"
            )

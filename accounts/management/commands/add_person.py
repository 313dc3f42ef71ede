"""`manage.py add_person NAME`: create a user account."""

import os
import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit.trail import SYSTEM
from accounts.refusals import Refused
from accounts.users import user_accounts


class Command(BaseCommand):
    """Create an account with HEADNODE_NEW_PASSWORD, or with a random password that is printed once."""

    help = "Add a user account, with HEADNODE_NEW_PASSWORD or with a random password that is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add NAME, --email and --administrator."""
        parser.add_argument("name")
        parser.add_argument("--email", default="")
        parser.add_argument("--administrator", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the account. Raises CommandError with the reason of a refusal."""
        given = os.environ.get("HEADNODE_NEW_PASSWORD", "")
        password = given or secrets.token_urlsafe(12)
        try:
            user_accounts.add_user(
                SYSTEM, options["name"], options["email"], password, options["administrator"]
            )
        except Refused as refused:
            raise CommandError(refused.message) from refused
        shown = "the password of HEADNODE_NEW_PASSWORD" if given else f"password {password} (shown this once)"
        self.stdout.write(f"Added {options['name']}, with {shown}.")

"""`manage.py add_person NAME`: make an account for a colleague."""

import os
import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit.trail import SYSTEM
from accounts.refusals import Refused
from accounts.users import user_accounts


class Command(BaseCommand):
    """Makes an account with HEADNODE_NEW_PASSWORD, or with a password made here and printed this once."""

    help = (
        "Add a person who may sign in. Reads HEADNODE_NEW_PASSWORD, else makes a password and prints it once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME, and who they are."""
        parser.add_argument("name")
        parser.add_argument("--email", default="")
        parser.add_argument("--administrator", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """One sentence for what was done, or for what was wrong."""
        given = os.environ.get("HEADNODE_NEW_PASSWORD", "")
        password = given or secrets.token_urlsafe(12)
        try:
            user_accounts.add_person(
                SYSTEM, options["name"], options["email"], password, options["administrator"]
            )
        except Refused as refused:
            raise CommandError(refused.message) from refused
        shown = "the password of HEADNODE_NEW_PASSWORD" if given else f"password {password} (shown this once)"
        self.stdout.write(f"Added {options['name']}, with {shown}.")

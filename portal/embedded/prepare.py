"""Bring the database up to date and make the first administrator, in one process.

`python -m portal.embedded.prepare`
"""

import os

import django
from django.core.management import call_command


def main() -> None:
    """Migrate, then ensure_admin."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("ensure_admin")


if __name__ == "__main__":
    main()

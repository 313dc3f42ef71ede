"""`python -m portal.embedded.prepare`: migrate the database and create the first administrator."""

import os

import django
from django.core.management import call_command


def main() -> None:
    """Run `migrate`, then `ensure_admin`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("ensure_admin")


if __name__ == "__main__":
    main()

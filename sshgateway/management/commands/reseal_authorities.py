"""`manage.py reseal_authorities`: after a change of HEADNODE_SECRET_KEY. See docs/host-trust.md."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sshgateway.certificates import rotation
from sshgateway.certificates.sealing import Unsealable


class Command(BaseCommand):
    """Afterwards the earlier secret can be taken out of HEADNODE_SECRET_KEY_FALLBACKS."""

    help = "Encrypt the certificate authorities' keys under the present HEADNODE_SECRET_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        """All or nothing."""
        try:
            count = rotation.reseal()
        except Unsealable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} key(s) are encrypted under the present HEADNODE_SECRET_KEY.")

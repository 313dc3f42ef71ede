"""`manage.py reseal_authorities`: encrypt the authorities' keys anew after a change of HEADNODE_SECRET_KEY."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sshgateway.certificates import rotation
from sshgateway.certificates.sealing import Unsealable


class Command(BaseCommand):
    """Encrypts the keys with the current secret; the earlier one can then leave HEADNODE_SECRET_KEY_FALLBACKS."""

    help = "Encrypt the certificate authorities' keys with the current HEADNODE_SECRET_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        """Encrypt all keys, or none if one cannot be decrypted."""
        try:
            count = rotation.reseal()
        except Unsealable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} key(s) are encrypted with the current HEADNODE_SECRET_KEY.")

"""`manage.py rotate_authority host|user`: give a certificate authority a new key. See docs/host-trust.md."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit.trail import SYSTEM
from accounts.refusals import Refused
from sshgateway.certificates import rotation
from sshgateway.models import AuthorityKey
from sshgateway.ssh import host_keys


class Command(BaseCommand):
    """Publishes a new key now, has it sign later, and keeps the old one trusted for a while after that."""

    help = "Give the host or the user certificate authority a new key, with overlap."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the authority and the two durations."""
        parser.add_argument("kind", choices=AuthorityKey.Kind.values)
        parser.add_argument(
            "--lead-hours", type=float, help="from when the new key signs (default: host 168, user 1/30)"
        )
        parser.add_argument(
            "--overlap-hours", type=float, help="how long the old key is trusted after that (default: 168)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate, and print when the new key signs."""
        try:
            key = rotation.rotate(
                SYSTEM,
                AuthorityKey.Kind(options["kind"]),
                lead=_hours(options["lead_hours"]),
                overlap=_hours(options["overlap_hours"]),
            )
        except Refused as refused:
            raise CommandError(refused.message) from refused
        self.stdout.write(
            f"New {key.kind} authority key {host_keys.fingerprint(key.public_key)}: published now, "
            f"signs from {key.signs_from:%Y-%m-%d %H:%M:%S} UTC."
        )


def _hours(value: float | None) -> timedelta | None:
    if value is None:
        return None
    if not 0 <= value <= 24 * 3650:
        raise CommandError("Hours are a number from 0 to 87600.")
    return timedelta(hours=value)

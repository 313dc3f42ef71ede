"""The keys of the certificate authorities."""

from django.db import models
from django.utils import timezone


class AuthorityKey(models.Model):
    """A certificate authority's key. The private key is stored encrypted (see `sshgateway.certificates.sealing`).

    A key is published from the moment it is made, signs from `signs_from` until `retired_at`, and is trusted until
    `trusted_until`. The newest key has neither of the last two (see `sshgateway.certificates.rotation`).
    """

    class Kind(models.TextChoices):
        """Whose certificates the authority signs."""

        USER = "user", "people and the gateway, to nodes"
        HOST = "host", "nodes, to people"

    kind = models.CharField(max_length=8, choices=Kind)
    public_key = models.TextField(help_text="One OpenSSH line, without comment.")
    private_key_encrypted = models.TextField(blank=True, help_text="Empty once it signs no more.")
    created_at = models.DateTimeField(auto_now_add=True)
    signs_from = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True, help_text="When another key signs instead.")
    trusted_until = models.DateTimeField(null=True, blank=True, help_text="Published until then.")

    class Meta:
        constraints = [
            # Two processes may make the first key at the same time; only one of them is kept.
            models.UniqueConstraint(
                fields=["kind"],
                condition=models.Q(retired_at__isnull=True),
                name="one_authority_in_use_per_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} authority {self.public_key}"

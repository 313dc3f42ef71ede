"""The SSH key model."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class SSHKey(models.Model):
    """A public key that `accounts.keys.public_keys` has parsed and accepted. Never a private key."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ssh_keys")
    name = models.CharField(max_length=100)
    public_key = models.TextField(help_text="One line: type, base64, comment.")
    type = models.CharField(max_length=64)
    bits = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=80, help_text="SHA256:..., as `ssh-keygen -l` prints it.")
    added_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True, help_text="Kept, but it opens nothing.")
    reminded_at = models.DateTimeField(
        null=True, blank=True, help_text="When its owner was told that it is about to expire."
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.GenericIPAddressField(null=True, blank=True)
    last_used_job = models.CharField(
        max_length=40, blank=True, help_text="Id of the job whose node it opened."
    )

    class Meta:
        ordering = ["added_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "fingerprint"], name="one_row_per_key_and_owner")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint})"

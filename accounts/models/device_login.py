"""The device login model."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class DeviceLogin(models.Model):
    """A program that asks to be signed in, until a user confirms its code on a page (as in RFC 8628).

    The program proves itself with the device code, of which only the SHA-256 digest is saved. No token is saved here:
    it is made when the program fetches it.
    """

    class State(models.TextChoices):
        """What became of the request."""

        PENDING = "pending"
        APPROVED = "approved"
        DENIED = "denied"
        SPENT = "spent"

    device_digest = models.CharField(max_length=64, unique=True)
    user_code = models.CharField(max_length=9, unique=True)
    client_name = models.CharField(max_length=100)
    source_address = models.GenericIPAddressField(null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="device_logins"
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.client_name} ({self.state})"

"""The API token model."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.token_scopes import all_scopes


class APITokenRows(models.QuerySet["APIToken"]):
    """Rows of API tokens."""

    def not_ended(self) -> "APITokenRows":
        """Return the tokens that nobody ended, expired ones too."""
        return self.filter(ended_at=None)

    def good(self) -> "APITokenRows":
        """Return the tokens that sign in now."""
        return self.not_ended().filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


class APIToken(models.Model):
    """A token that signs a program in. Only the SHA-256 digest of its secret is saved.

    A token that was ended stays a while, so that its program is told `token_ended` and not `invalid_token`.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=8, help_text="First characters, so that people recognise it.")
    scopes = models.JSONField(default=all_scopes, help_text="What it may do: words of TokenScope.")
    added_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(
        null=True, blank=True, help_text="When its owner was told that it is about to expire."
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_from = models.GenericIPAddressField(null=True, blank=True)

    objects = APITokenRows.as_manager()

    class Meta:
        ordering = ["-added_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"

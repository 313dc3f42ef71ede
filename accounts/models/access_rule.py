"""The access rule model."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class AccessRule(models.Model):
    """A CIDR block from which a user may connect to their clusters."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_rules")
    cidr = models.CharField(max_length=49)
    note = models.CharField(max_length=200, blank=True)
    added_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["added_at", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "cidr"], name="one_row_per_cidr_and_owner")]

    def __str__(self) -> str:
        return self.cidr

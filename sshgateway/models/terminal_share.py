"""Shares of terminals, and the visits of people who are not the owner."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from sshgateway.models.terminal_session import TerminalSession
from sshgateway.terminals.roles import Role


class TerminalShare(models.Model):
    """A terminal's owner lets a person watch, or type too. It ends with the session at the latest."""

    session = models.ForeignKey(TerminalSession, on_delete=models.CASCADE, related_name="shares")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="terminal_shares"
    )
    may_type = models.BooleanField(default=False)
    shared_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "person"],
                condition=Q(revoked_at__isnull=True),
                name="one_share_in_force_per_person",
            )
        ]

    def __str__(self) -> str:
        return f"{self.session} shared with {self.person_id}"


class TerminalVisit(models.Model):
    """One window of somebody other than the owner in a terminal. Written by the gateway process that serves it.

    The visit goes on while `left_at` is empty and the session is open.
    """

    session = models.ForeignKey(TerminalSession, on_delete=models.CASCADE, related_name="visits")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="terminal_visits"
    )
    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    may_type = models.BooleanField(default=False)
    source_address = models.CharField(max_length=45, blank=True)
    came_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["session"], condition=Q(left_at__isnull=True), name="visits_going_on")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.session}"

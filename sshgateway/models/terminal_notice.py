"""Sentences for people in a terminal."""

from django.db import models

from sshgateway.models.terminal_session import TerminalSession

LONGEST = 500


class TerminalNotice(models.Model):
    """A sentence for the people in a terminal. Any process adds it; the gateway process with the shell shows it.

    There is one row for each session and sentence: adding it again changes nothing.
    """

    session = models.ForeignKey(TerminalSession, on_delete=models.CASCADE, related_name="notices")
    sentence = models.CharField(max_length=LONGEST)
    made_at = models.DateTimeField(auto_now_add=True)
    shown_at = models.DateTimeField(null=True, blank=True, help_text="When somebody was there to read it.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["session", "sentence"], name="one_row_per_notice_of_a_session")
        ]
        indexes = [
            # The gateway reads these every few seconds: few rows, however many were shown.
            models.Index(
                fields=["session"],
                condition=models.Q(shown_at__isnull=True),
                name="notices_not_shown_yet",
            )
        ]

    def __str__(self) -> str:
        return self.sentence

"""Terminal sessions: shells opened in the browser."""

import secrets

from django.conf import settings
from django.db import models

from sshgateway.ssh.targets import Target
from sshgateway.terminals import end_reasons
from sshgateway.terminals.recording_policy import Mode, OnFailure


def new_session_id() -> str:
    """Return a random id of 192 bits, which nobody can guess and which is safe in a URL."""
    return secrets.token_urlsafe(24)


class TerminalSession(models.Model):
    """A shell that somebody opened: on which target, from which address, when, and how it ended.

    The row is authoritative. The shell itself lives in the memory of one gateway process (`gateway`), which shows in
    `heartbeat_at` that it is alive. `ended_at` and `end_reason` are written once, by a conditional update.
    """

    id = models.CharField(primary_key=True, max_length=43, default=new_session_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="terminal_sessions"
    )
    subject = models.CharField(
        max_length=80, help_text='What it belongs to, in its opener\'s words: "job:Ab12cd".'
    )
    node = models.CharField(max_length=80)
    label = models.CharField(max_length=200)

    address = models.CharField(max_length=255)
    port = models.PositiveIntegerField()
    principal = models.CharField(max_length=64)
    host_keys = models.JSONField(help_text="The pinned host keys, OpenSSH lines.")

    cols = models.PositiveIntegerField(default=80)
    rows = models.PositiveIntegerField(default=24)
    source_address = models.CharField(
        max_length=45, blank=True, help_text="Where its owner came from, last seen."
    )

    recording = models.CharField(
        max_length=12,
        default=Mode.OFF,
        choices=[(mode.value, mode.value) for mode in Mode],
        help_text="What the policy said when it was opened.",
    )
    recording_on_failure = models.CharField(
        max_length=8, default=OnFailure.GO_ON, choices=[(word.value, word.value) for word in OnFailure]
    )

    opened_at = models.DateTimeField(auto_now_add=True)
    attached_at = models.DateTimeField(null=True, blank=True, help_text="When a browser first reached it.")
    last_keystroke_at = models.DateTimeField(null=True, blank=True)
    bytes_in = models.BigIntegerField(default=0, help_text="Typed, towards the node.")
    bytes_out = models.BigIntegerField(default=0, help_text="Printed by the node.")

    route = models.CharField(
        max_length=40,
        blank=True,
        help_text="The gateway its URL leads to; empty where there is none by name.",
    )
    gateway = models.CharField(max_length=120, blank=True, help_text="The process that holds the shell.")
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    end_requested_reason = models.CharField(max_length=40, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=40, blank=True)
    end_message = models.CharField(
        max_length=500, blank=True, help_text="The sentence, where it is not the usual one."
    )
    exit_status = models.IntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        indexes = [
            models.Index(fields=["subject", "ended_at"]),
            models.Index(fields=["ended_at", "heartbeat_at"]),
        ]

    def __str__(self) -> str:
        # Without the id: it is the address of the shell.
        return f"terminal session of {self.owner_id} on {self.label}"

    @property
    def target(self) -> Target:
        """Return where this session connects to."""
        return Target(
            address=self.address,
            port=self.port,
            principal=self.principal,
            host_keys=tuple(self.host_keys),
            label=self.label,
            subject=self.subject,
            node=self.node,
        )

    @property
    def end_sentence(self) -> str:
        """Return how it ended, in a sentence for people; empty while it is open."""
        if self.ended_at is None:
            return ""
        return self.end_message or end_reasons.end_for(self.end_reason, exit_status=self.exit_status).message

    @property
    def websocket_path(self) -> str:
        """Return the path of its websocket."""
        prefix = f"gateways/{self.route}/" if self.route else ""
        return f"/ws/{prefix}terminal-sessions/{self.id}/"

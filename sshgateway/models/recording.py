"""The rules that say what is recorded, and the recordings."""

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import Q

from sshgateway.models.terminal_session import TerminalSession, new_session_id
from sshgateway.terminals.recording_policy import Mode, OnFailure, RecordingPolicyRule


class RecordingState(StrEnum):
    """What became of a recording. COMPLETE, SIZE_LIMIT and FAILED are stored as its `end_reason`."""

    GROWING = "growing"
    COMPLETE = "complete"
    SIZE_LIMIT = "size_limit"
    FAILED = "failed"
    CUT_SHORT = "cut_short"
    DELETED = "deleted"


class RecordingRule(models.Model):
    """A rule for a person, for a core type, or (neither) for the whole site. See `terminals.recording_policy`."""

    mode = models.CharField(max_length=12, choices=[(mode.value, mode.value) for mode in Mode])
    on_failure = models.CharField(
        max_length=8, default=OnFailure.GO_ON, choices=[(word.value, word.value) for word in OnFailure]
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    core_type = models.CharField(max_length=40, blank=True, help_text="Its code.")

    class Meta:
        ordering = ["person__username", "core_type"]
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=True) | Q(core_type=""), name="recording_rule_is_of_one_thing"
            ),
            models.UniqueConstraint(
                fields=["person"], condition=Q(person__isnull=False), name="one_recording_rule_per_person"
            ),
            models.UniqueConstraint(
                fields=["core_type"],
                condition=Q(person__isnull=True),
                name="one_recording_rule_per_core_type",
            ),
        ]

    def __str__(self) -> str:
        return f"record {self.person_id or self.core_type or 'the site'}: {self.mode}"

    @property
    def rule(self) -> RecordingPolicyRule:
        """Return the rule in the form that the policy decides on."""
        return RecordingPolicyRule(
            Mode(self.mode), OnFailure(self.on_failure), self.person_id, self.core_type
        )


class Recording(models.Model):
    """What a terminal printed, and when: `chunk_count` files in the storage, and the newest piece in `tail`.

    Only the gateway process that holds the shell writes. `chunk_count` and `tail` change in one UPDATE, so every reader
    gets a whole recording up to that moment.
    """

    id = models.CharField(primary_key=True, max_length=43, default=new_session_id, editable=False)
    session = models.OneToOneField(TerminalSession, on_delete=models.CASCADE, related_name="recording_made")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=16, blank=True, help_text="complete, size_limit or failed.")
    compressed = models.BooleanField(default=True)
    chunk_count = models.PositiveIntegerField(default=0)
    tail = models.BinaryField(default=b"", help_text="What is in no chunk yet, gzip.")
    size = models.BigIntegerField(default=0, help_text="Bytes of the asciicast.")
    missing = models.BigIntegerField(default=0, help_text="Bytes of output that could not be taken along.")
    seconds = models.FloatField(default=0.0, help_text="From its first to its last event.")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["deleted_at", "started_at"])]

    def __str__(self) -> str:
        return f"recording of {self.session}"

    @property
    def state(self) -> RecordingState:
        """Return what became of the recording; CUT_SHORT means that the gateway was lost."""
        if self.deleted_at is not None:
            return RecordingState.DELETED
        if self.ended_at is not None:
            return RecordingState(self.end_reason)
        return RecordingState.GROWING if self.session.ended_at is None else RecordingState.CUT_SHORT

    def chunk_name(self, number: int) -> str:
        """Return the name of a chunk in the storage."""
        return f"{FOLDER}/{self.pk}/{number:06d}.cast{'.gz' if self.compressed else ''}"


FOLDER = "recordings"

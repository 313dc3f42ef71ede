"""What a node cost in a span of time."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Charge(models.Model):
    """One node, from a second until another, at the price that held then. No row crosses midnight (UTC).

    The amount is `seconds * cores * price_per_core_hour / 3600`; it is computed when it is read, so that sums are
    exact. Rows keep ids and names instead of references, so that a bill outlives the job and the person.
    """

    cluster_id = models.CharField(max_length=64)
    job_id = models.CharField(
        max_length=64, blank=True, db_index=True, help_text="Empty for a cluster of no job."
    )
    job_name = models.CharField(max_length=200, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="charges"
    )
    person_name = models.CharField(max_length=150, blank=True)
    project_id = models.CharField(max_length=40, blank=True)
    node = models.CharField(max_length=40)
    core_type = models.CharField(max_length=40, help_text="Code of its core type.")
    cores = models.PositiveIntegerField()
    is_idle = models.BooleanField(
        default=False, help_text="Whether no command ran: the node booted, stored files or was kept."
    )
    day = models.DateField(help_text="The day (UTC) that it is in.")
    began_at = models.DateTimeField(help_text="A whole second.")
    ended_at = models.DateTimeField(help_text="A whole second; of an open row, until when it was seen.")
    seconds = models.PositiveIntegerField()
    is_open = models.BooleanField(default=False, help_text="Whether the node still existed then.")
    price_per_core_hour = models.DecimalField(max_digits=8, decimal_places=4)
    currency = models.CharField(max_length=3)
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["began_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster_id", "node", "began_at"], name="no_second_charged_twice"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__gte=models.F("began_at")), name="no_charge_is_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["day"], name="charges_by_day"),
            models.Index(fields=["person", "day"], name="charges_by_person"),
            models.Index(fields=["project_id", "day"], name="charges_by_project"),
            models.Index(
                fields=["cluster_id"], condition=models.Q(is_open=True), name="open_charges_by_cluster"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.node} of {self.cluster_id}, {self.seconds} s"

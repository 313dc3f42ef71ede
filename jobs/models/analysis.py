"""The software catalogue: what a job may name as its analysis."""

from django.db import models


class Analysis(models.Model):
    """A program, by the code that jobs name. A retired one stays, for the jobs that used it."""

    code = models.CharField(primary_key=True, max_length=80)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    vendor_name = models.CharField(max_length=120, blank=True)
    accepts_any_version = models.BooleanField(
        default=False,
        help_text="The person brings the program: a version that is not listed is theirs to name.",
    )
    is_active = models.BooleanField(default=True, help_text="Whether new jobs may name it.")
    display_order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["display_order", "code"]
        verbose_name_plural = "analyses"

    def __str__(self) -> str:
        return self.name


class AnalysisVersion(models.Model):
    """A version of an analysis, and what is done on the head node before its command."""

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="versions")
    code = models.CharField(max_length=80)
    name = models.CharField(max_length=80)
    allowed_core_types = models.JSONField(
        default=list, blank=True, help_text="Codes of core types; empty: every core type."
    )
    environment_script = models.TextField(
        blank=True, help_text="Shell commands that run before the command, in the same shell."
    )
    is_active = models.BooleanField(default=True)
    display_order = models.PositiveIntegerField(default=0, help_text="The first active one is the default.")

    class Meta:
        ordering = ["analysis", "display_order", "id"]
        constraints = [
            models.UniqueConstraint(fields=["analysis", "code"], name="one_version_per_code_of_an_analysis")
        ]

    def __str__(self) -> str:
        return f"{self.analysis_id} {self.name}"

"""How much a person, a project or the whole site may spend."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Project


class Budget(models.Model):
    """An amount, for once or for each month (UTC). An enforced one is kept: what is over it waits or ends."""

    scope = models.CharField(max_length=8, choices=[(word, word) for word in ("person", "project", "site")])
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="budgets"
    )
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, blank=True, related_name="budgets"
    )
    amount = models.DecimalField(max_digits=16, decimal_places=4)
    currency = models.CharField(max_length=3)
    period = models.CharField(max_length=8, choices=[(word, word) for word in ("once", "month")])
    enforced = models.BooleanField(default=False)
    since = models.DateTimeField(
        default=timezone.now, help_text="From when a budget that is given once counts."
    )
    used_up_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it will be used up if all clusters run on; computed again every few seconds.",
    )
    set_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope="person", person__isnull=False, project__isnull=True)
                | models.Q(scope="project", person__isnull=True, project__isnull=False)
                | models.Q(scope="site", person__isnull=True, project__isnull=True),
                name="budget_has_the_subject_of_its_scope",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="budget_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} budget of {self.currency} {self.amount}"


class BudgetStep(models.Model):
    """A step that a budget reached: how much of which amount was spent, in the window that began then. Append-only."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="steps")
    window_began_at = models.DateTimeField()
    percent = models.PositiveSmallIntegerField()
    amount = models.DecimalField(max_digits=16, decimal_places=4)
    spent = models.DecimalField(max_digits=22, decimal_places=6)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at", "-percent"]
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "window_began_at", "amount", "percent"], name="each_budget_step_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.percent} % of budget {self.budget_id}"

"""The rate card: what a core of each type costs per hour, since when."""

from django.db import models

from jobs.models.core_type import CoreType


class RateCard(models.Model):
    """What holds for all prices. One row; without it the prices are simulated."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    is_simulated = models.BooleanField(
        default=True, help_text="Whether the prices are made up: until an administrator sets real ones."
    )

    def __str__(self) -> str:
        return "simulated prices" if self.is_simulated else "real prices"


class Price(models.Model):
    """A price of a core type, from a moment until the next row. Append-only.

    A core type without rows has always had the price of the catalogue.
    """

    core_type = models.ForeignKey(CoreType, on_delete=models.CASCADE, related_name="prices")
    per_core_hour = models.DecimalField(max_digits=8, decimal_places=4)
    currency = models.CharField(max_length=3)
    valid_from = models.DateTimeField()
    set_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["core_type", "valid_from", "id"]

    def __str__(self) -> str:
        return f"{self.core_type_id} {self.currency} {self.per_core_hour} from {self.valid_from}"

"""The hardware catalogue."""

from django.db import models


class CoreType(models.Model):
    """A kind of machine that can be ordered. `cores` lists the possible cores per slot."""

    code = models.SlugField(primary_key=True, max_length=40)
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    processor = models.CharField(max_length=120)
    cores = models.JSONField(default=list, help_text="Possible numbers of cores per slot, ascending.")
    memory_mb_per_core = models.PositiveIntegerField()
    storage_gb = models.PositiveIntegerField(default=0)
    price_per_core_hour = models.DecimalField(max_digits=8, decimal_places=4)
    currency = models.CharField(max_length=3, default="USD")
    ssh_port = models.PositiveIntegerField(default=22)
    boot_seconds = models.FloatField(default=4.0)
    is_active = models.BooleanField(default=True)
    display_order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["display_order", "code"]

    def __str__(self) -> str:
        return self.name

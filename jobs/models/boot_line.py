"""The boot stream: what a node reports while it boots."""

from django.db import models

from jobs.models.node import Node


class BootLine(models.Model):
    """One line of a node's boot stream. The node numbers them; each number is stored once."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="boot_lines")
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField(help_text="According to the node's own clock.")
    phase = models.CharField(max_length=12, blank=True)
    mark = models.CharField(max_length=8, blank=True)
    text = models.TextField()

    class Meta:
        ordering = ["node", "sequence"]
        constraints = [models.UniqueConstraint(fields=["node", "sequence"], name="one_row_per_boot_line")]

    def __str__(self) -> str:
        return f"{self.node_id} #{self.sequence} {self.text}"

"""Whether only one user may have an account: kept in the database, so that it holds for every process and restart."""

from django.conf import settings
from django.db import models


class SingleUserMode(models.Model):
    """One row while users could reach each other's clusters, because nodes have no sandbox; none otherwise."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    since = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"single user since {self.since:%Y-%m-%d}"

    @classmethod
    def is_on(cls) -> bool:
        """Return whether it holds: by this process's settings, or as an app above remembered."""
        return bool(settings.HEADNODE_SINGLE_PERSON) or cls.objects.exists()

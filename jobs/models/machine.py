"""An existing machine that people can reach through the portal."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from sshgateway.ssh import host_keys


class Machine(models.Model):
    """An SSH server the portal did not create. An administrator registers it together with its host keys.

    People who may use it log in as `username` with a certificate from the portal's user authority, which the
    machine is configured to trust. `host_keys` are OpenSSH lines without comments; only administrators change them.
    """

    class Scheduler(models.TextChoices):
        """The batch system that accepts jobs there."""

        NONE = "", "None"
        PBS = "pbs", "PBS"
        SLURM = "slurm", "Slurm"

    name = models.CharField(max_length=80)
    host = models.CharField(
        max_length=253, help_text="A name or an address. A name is resolved again for each login."
    )
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=64)
    host_keys = models.JSONField(help_text="The pinned host keys, OpenSSH lines.")
    scheduler = models.CharField(max_length=8, choices=Scheduler.choices, blank=True, default="")
    notes = models.TextField(blank=True, help_text="Shown to the people who use it.")
    enabled = models.BooleanField(default=True)

    everyone = models.BooleanField(default=False, help_text="Everyone who is signed in may use it.")
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="machines")

    added_at = models.DateTimeField(auto_now_add=True)
    host_key_alarm_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it showed another host key. Nobody can connect until this is cleared.",
    )
    host_key_shown = models.CharField(max_length=60, blank=True, help_text="Fingerprint of that key.")

    class Meta:
        ordering = [Lower("name")]
        constraints = [models.UniqueConstraint(Lower("name"), name="one_machine_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """Return the name terminal sessions use for this machine."""
        return f"machine:{self.pk}"

    @property
    def endpoint(self) -> str:
        """Return host and port as people write them; the port is left out when it is 22."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 22 else f"{host}:{self.port}"

    @property
    def fingerprints(self) -> list[str]:
        """Return each pinned host key as `ssh-ed25519 SHA256:...`."""
        keys = [host_keys.parse(line) for line in self.host_keys]
        return [f"{key.type} {key.fingerprint}" for key in keys]

"""Machines as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest.camel_case import CamelModelSerializer, CamelSerializer
from accounts.rest.fields import WholeNumberField
from jobs.models import Machine

# Fields that only administrators see.
ADMINISTRATOR_FIELDS = ("enabled", "everyone", "people", "hostKeyAlarmAt", "hostKeyShown", "addedAt")
HOST_KEY = (
    "The pinned host keys, one OpenSSH line each. known_hosts lines are accepted if they are for this host."
)
FOR_ADMINISTRATORS = "Only administrators see it."
PEOPLE = "User names of the people who may use it, besides administrators."


class MachineSerializer(CamelModelSerializer):
    """An existing SSH machine. Only administrators see who may use it, and its alarm."""

    host_key = serializers.SerializerMethodField(help_text=HOST_KEY)
    fingerprints = serializers.ListField(
        child=serializers.CharField(), help_text="Fingerprints of the pinned host keys."
    )
    scheduler = serializers.ChoiceField(choices=["", "pbs", "slurm"])
    enabled = serializers.BooleanField(required=False, help_text=FOR_ADMINISTRATORS)
    everyone = serializers.BooleanField(required=False, help_text=FOR_ADMINISTRATORS)
    people = serializers.SerializerMethodField(required=False, help_text=f"{PEOPLE} {FOR_ADMINISTRATORS}")
    host_key_alarm_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text=f"When it showed another host key. {FOR_ADMINISTRATORS}"
    )
    host_key_shown = serializers.CharField(required=False, help_text=FOR_ADMINISTRATORS)
    added_at = serializers.DateTimeField(required=False, help_text=FOR_ADMINISTRATORS)

    class Meta:
        model = Machine
        fields = [
            "id",
            "name",
            "host",
            "port",
            "username",
            "host_key",
            "fingerprints",
            "scheduler",
            "notes",
            "enabled",
            "everyone",
            "people",
            "host_key_alarm_at",
            "host_key_shown",
            "added_at",
        ]

    def get_host_key(self, machine: Machine) -> str:
        return "\n".join(machine.host_keys)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_people(self, machine: Machine) -> list[str]:
        return sorted(user.get_username() for user in machine.people.all())

    def to_representation(self, instance: Machine) -> dict[str, Any]:
        """Return all fields if `whole` is set in the context, else those that every user may see."""
        data: dict[str, Any] = super().to_representation(instance)
        if not self.context.get("whole"):
            for name in ADMINISTRATOR_FIELDS:
                del data[name]
        return data


class SavedMachineSerializer(MachineSerializer):
    """A machine that was just saved. `notice` says how the host key was read, if it was not read as sent."""

    notice = serializers.CharField(allow_null=True)

    class Meta(MachineSerializer.Meta):
        fields = [*MachineSerializer.Meta.fields, "notice"]


class NewMachineSerializer(CamelSerializer):
    """A machine to add. Texts are checked in `jobs.machines.draft`, also empty ones, so blanks are allowed here."""

    name = serializers.CharField(allow_blank=True, trim_whitespace=False)
    host = serializers.CharField(allow_blank=True, trim_whitespace=False)
    port = WholeNumberField(required=False, default=22)
    username = serializers.CharField(allow_blank=True, trim_whitespace=False)
    host_key = serializers.CharField(allow_blank=True, trim_whitespace=False, help_text=HOST_KEY)
    scheduler = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="`pbs`, `slurm` or empty."
    )
    notes = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    enabled = serializers.BooleanField(required=False, default=True)
    everyone = serializers.BooleanField(
        required=False, default=False, help_text="Everyone who is signed in may use it."
    )
    people = serializers.ListField(
        child=serializers.CharField(max_length=150), required=False, default=list, help_text=PEOPLE
    )


class MachinePatchSerializer(NewMachineSerializer):
    """What to change of a machine. Fields that are left out stay; `people` replaces the whole list."""


class FindingSerializer(CamelSerializer):
    """The result of checking a machine."""

    works = serializers.BooleanField()
    reason = serializers.CharField(
        help_text="`works`, or what went wrong: unreachable, address_forbidden, handshake_failed, host_key_changed, "
        "credential_refused, channel_refused, connection_lost."
    )
    message = serializers.CharField(help_text="What happened, as a sentence.")
    pinned = serializers.ListField(
        child=serializers.CharField(), help_text="Fingerprints of the pinned host keys."
    )
    shown = serializers.CharField(
        allow_blank=True,
        help_text="Fingerprint of another host key that the machine showed. It is never pinned automatically.",
    )

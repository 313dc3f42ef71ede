"""Machines as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest.camel_case import CamelModelSerializer, CamelSerializer
from accounts.rest.fields import WholeNumberField
from jobs.models import Machine

# What only administrators are told.
WHOLE_ONLY = ("enabled", "everyone", "people", "hostKeyAlarmAt", "hostKeyShown", "addedAt")
HOST_KEY = (
    "The pinned host keys, one OpenSSH line each. Known_hosts lines are taken if they are for this host."
)
FOR_ADMINISTRATORS = "Administrators only; left out for others."
PEOPLE = "User names of those who may use it, beside administrators."


class MachineSerializer(CamelModelSerializer):
    """An existing SSH machine. Who may use it, and its alarm, are told to administrators only."""

    host_key = serializers.SerializerMethodField(help_text=HOST_KEY)
    fingerprints = serializers.ListField(child=serializers.CharField(), help_text="Of the pinned host keys.")
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
        """All of it for administrators (`whole` in the context)."""
        data: dict[str, Any] = super().to_representation(instance)
        if not self.context.get("whole"):
            for name in WHOLE_ONLY:
                del data[name]
        return data


class SavedMachineSerializer(MachineSerializer):
    """A machine just written; `notice` says in a sentence if the host key's text was changed to get it."""

    notice = serializers.CharField(allow_null=True)

    class Meta(MachineSerializer.Meta):
        fields = [*MachineSerializer.Meta.fields, "notice"]


class NewMachineSerializer(CamelSerializer):
    """A machine to register. What is wrong with a text is for `jobs.machines.draft` to say, also when it is empty."""

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
        required=False, default=False, help_text="Everyone signed in may use it."
    )
    people = serializers.ListField(
        child=serializers.CharField(max_length=150), required=False, default=list, help_text=PEOPLE
    )


class MachinePatchSerializer(NewMachineSerializer):
    """What to change of a machine; what is left out stays. `people` replaces the whole list."""


class FindingSerializer(CamelSerializer):
    """How far the portal got on a machine."""

    works = serializers.BooleanField()
    reason = serializers.CharField(
        help_text="`works`, or what went wrong: unreachable, handshake_failed, host_key_changed, credential_refused, "
        "channel_refused, connection_lost."
    )
    message = serializers.CharField(help_text="A sentence that says exactly what happened.")
    pinned = serializers.ListField(
        child=serializers.CharField(), help_text="Fingerprints of the pinned host keys."
    )
    shown = serializers.CharField(
        allow_blank=True,
        help_text="Fingerprint of a foreign host key the machine showed; never pinned by itself.",
    )

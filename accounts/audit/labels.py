"""Audit events in words people use."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import AuditEvent

TITLES = {
    "accounts:ssh_key:added": gettext_lazy("SSH key added"),
    "accounts:ssh_key:renamed": gettext_lazy("SSH key renamed"),
    "accounts:ssh_key:removed": gettext_lazy("SSH key removed"),
    "accounts:ssh_key:disabled": gettext_lazy("SSH key disabled"),
    "accounts:ssh_key:enabled": gettext_lazy("SSH key enabled"),
    "accounts:ssh_key:expiry_changed": gettext_lazy("Expiry of an SSH key changed"),
    "accounts:access_rule:added": gettext_lazy("Access rule added"),
    "accounts:access_rule:removed": gettext_lazy("Access rule removed"),
    "accounts:access_rule:expiry_changed": gettext_lazy("Expiry of an access rule changed"),
    "accounts:job_settings:changed": gettext_lazy("Job Settings changed"),
    "accounts:api_token:added": gettext_lazy("API token made"),
    "accounts:api_token:revoked": gettext_lazy("API token revoked"),
    "sshgateway:terminal_session:shared": gettext_lazy("Terminal shared"),
    "sshgateway:terminal_session:share_changed": gettext_lazy("Sharing of a terminal changed"),
    "sshgateway:terminal_session:share_revoked": gettext_lazy("Sharing of a terminal taken back"),
    "sshgateway:terminal_session:joined": gettext_lazy("Shared terminal joined"),
    "sshgateway:terminal_session:watched": gettext_lazy("Terminal watched by an administrator"),
    "sshgateway:terminal_session:ended_by_administrator": gettext_lazy("Terminal ended by an administrator"),
    "sshgateway:recording:watched": gettext_lazy("Recording of a terminal watched"),
    "sshgateway:recording:deleted": gettext_lazy("Recording of a terminal deleted"),
    "sshgateway:recording_rule:saved": gettext_lazy("Recording rule saved"),
    "sshgateway:recording_rule:removed": gettext_lazy("Recording rule removed"),
    "jobs:job:created": gettext_lazy("Job saved"),
    "jobs:job:changed": gettext_lazy("Job changed"),
    "jobs:job:submitted": gettext_lazy("Job submitted"),
    "jobs:job:stopped": gettext_lazy("Job terminated"),
    "jobs:job:extended": gettext_lazy("Cluster extended"),
    "jobs:leftover:removal_asked": gettext_lazy("Removal of a leftover cluster asked for"),
    "jobs:leftover:removed": gettext_lazy("Leftover cluster removed"),
    "jobs:job:deleted": gettext_lazy("Job deleted"),
    "jobs:fault:switched_on": gettext_lazy("Fault of the simulated cloud switched on"),
    "jobs:fault:switched_off": gettext_lazy("Fault of the simulated cloud switched off"),
    "jobs:capacity:changed": gettext_lazy("Cores of the simulated cloud changed"),
    "jobs:machine:added": gettext_lazy("Machine added"),
    "jobs:machine:changed": gettext_lazy("Machine changed"),
    "jobs:machine:removed": gettext_lazy("Machine removed"),
    "jobs:machine:checked": gettext_lazy("Machine checked"),
    "jobs:machine:host_key_alarm": gettext_lazy("Host key alarm of a machine"),
    "jobs:machine:host_key_alarm_cleared": gettext_lazy("Host key alarm of a machine cleared"),
}


def title(event: AuditEvent) -> str:
    """What happened; for an action without words of its own, its tag made readable."""
    known = TITLES.get(event.action)
    return (
        str(known)
        if known
        else event.action.partition(":")[2].replace(":", " ").replace("_", " ").capitalize()
    )


def name_of(event: AuditEvent) -> str:
    """What it happened to, by the name it had."""
    facts: Mapping[str, Any] = {**event.before, **event.after}
    return next((str(facts[key]) for key in ("name", "cidr", "node") if facts.get(key)), event.object_id)


def differences(event: AuditEvent) -> list[tuple[str, str, str]]:
    """What is not as it was: (what, before, after). For something new or gone, only that side is told."""
    before, after = event.before, event.after
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [(name.replace("_", " "), _say(before.get(name)), _say(after.get(name))) for name in names]


def _say(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)[:200]

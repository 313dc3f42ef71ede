"""Titles and descriptions of the simulated cloud's faults. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from jobs.providers.fault_injection import FaultKind, FaultRule, SecondsMeaning


class FaultName(StrEnum):
    """The kinds of fault of the simulated cloud. Its HTTP API knows them: never change a value."""

    SLOW_BOOT = "slow_boot"
    NEVER_REPORTS = "never_reports"
    CONTEXT_FAILS = "context_fails"
    NODE_DIES = "node_dies"
    NETWORK_CUT = "network_cut"
    DISK_FULL = "disk_full"
    SWAPPED_HOST_KEY = "swapped_host_key"
    NO_CAPACITY = "no_capacity"
    API_DOWN = "api_down"
    API_SLOW = "api_slow"
    DUPLICATE_ANSWERS = "duplicate_answers"


@dataclass(frozen=True)
class FaultLabel:
    """A title, what users will notice, and what the seconds mean when they are not how long it lasts."""

    title: Any
    text: Any
    seconds: Any = ""


LABELS: dict[str, FaultLabel] = {
    FaultName.SLOW_BOOT: FaultLabel(
        _("Slow boot"),
        _("Nodes take longer to come up. Jobs wait; after the boot limit their cluster fails."),
        _("Seconds: how much longer. Empty: 60."),
    ),
    FaultName.NEVER_REPORTS: FaultLabel(
        _("Node never reports"),
        _("Nodes boot and find no way to the portal. Switched off in time, they report late."),
    ),
    FaultName.CONTEXT_FAILS: FaultLabel(
        _("Context script fails"), _("Nodes report an error instead of OK while they boot.")
    ),
    FaultName.NODE_DIES: FaultLabel(
        _("Node dies"),
        _("A running node loses power: its sessions and programs are gone at once."),
        _("Seconds: after how long. Empty: now."),
    ),
    FaultName.NETWORK_CUT: FaultLabel(
        _("Network cut"),
        _(
            "Nodes of a cluster no longer reach each other, in both directions; people still reach each of them."
        ),
    ),
    FaultName.DISK_FULL: FaultLabel(
        _("Disk full"),
        _("Programs get “No space left on device” in the home and in the folders for temporary files."),
    ),
    FaultName.SWAPPED_HOST_KEY: FaultLabel(
        _("Other host key"),
        _("Nodes show another host key than they reported, as an impostor would. Raises the alarm."),
    ),
    FaultName.NO_CAPACITY: FaultLabel(_("No capacity"), _("New clusters are refused; what runs goes on.")),
    FaultName.API_DOWN: FaultLabel(
        _("Cloud does not answer"), _("Every question of the portal gets an error. Nodes run on.")
    ),
    FaultName.API_SLOW: FaultLabel(
        _("Cloud answers slowly"), _("Every answer is held back."), _("Seconds: for how long each. Empty: 5.")
    ),
    FaultName.DUPLICATE_ANSWERS: FaultLabel(
        _("Everything twice"),
        _("Orders and reports are delivered twice, and questions get the answer of last time."),
    ),
}


def label_of(name: str) -> FaultLabel:
    """Return the label of a fault; for one that is not in LABELS, its name."""
    return LABELS.get(name) or FaultLabel(name.replace("_", " ").capitalize(), "")


def rule_extent(kind: FaultKind | None, rule: FaultRule) -> str:
    """Return the extent of an active fault in a few words; empty when it has none."""
    if rule.ends_in is not None:
        return _("ends by itself in %(seconds)d s") % {"seconds": max(1, round(rule.ends_in))}
    templates: dict[str, Any] = {
        SecondsMeaning.LONGER: _("%(seconds)g s longer"),
        SecondsMeaning.AFTER: _("after %(seconds)g s"),
        SecondsMeaning.BACK: _("%(seconds)g s each"),
    }
    template = templates.get(kind.seconds) if kind is not None else None
    return template % {"seconds": rule.seconds} if template is not None and rule.seconds else ""

"""The faults of the simulated cloud in words people use. Pure."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from jobs.providers.fault_injection import FaultKind, FaultRule


@dataclass(frozen=True)
class FaultLabel:
    """A short title, what people will see, and what the seconds are where they are not how long it lasts."""

    title: Any
    text: Any
    seconds: Any = ""


WORDS = {
    "slow_boot": FaultLabel(
        _("Slow boot"),
        _("Nodes take longer to come up. Jobs wait; after the boot limit their cluster fails."),
        _("Seconds: how much longer. Empty: 60."),
    ),
    "never_reports": FaultLabel(
        _("Node never reports"),
        _("Nodes boot and find no way to the portal. Switched off in time, they report late."),
    ),
    "context_fails": FaultLabel(
        _("Context script fails"), _("Nodes report an error instead of OK while they boot.")
    ),
    "node_dies": FaultLabel(
        _("Node dies"),
        _("A running node loses power: its sessions and programs are gone at once."),
        _("Seconds: after how long. Empty: now."),
    ),
    "network_cut": FaultLabel(
        _("Network cut"),
        _(
            "Nodes of a cluster no longer reach each other, in both directions; people still reach each of them."
        ),
    ),
    "disk_full": FaultLabel(
        _("Disk full"),
        _("Programs get “No space left on device” in the home and in the folders for temporary files."),
    ),
    "swapped_host_key": FaultLabel(
        _("Other host key"),
        _("Nodes show another host key than they reported, as an impostor would. Raises the alarm."),
    ),
    "no_capacity": FaultLabel(_("No capacity"), _("New clusters are refused; what runs goes on.")),
    "api_down": FaultLabel(
        _("Cloud does not answer"), _("Every question of the portal gets an error. Nodes run on.")
    ),
    "api_slow": FaultLabel(
        _("Cloud answers slowly"), _("Every answer is held back."), _("Seconds: for how long each. Empty: 5.")
    ),
    "duplicate_answers": FaultLabel(
        _("Everything twice"),
        _("Orders and reports are delivered twice, and questions get the answer of last time."),
    ),
}


def label_of(name: str) -> FaultLabel:
    """Words for a fault; for one that is newer than these words its bare name."""
    return WORDS.get(name) or FaultLabel(name.replace("_", " ").capitalize(), "")


def measure(kind: FaultKind | None, rule: FaultRule) -> str:
    """How much of a fault is on, in a few words; an empty text when there is nothing to say."""
    if rule.ends_in is not None:
        return _("ends by itself in %(seconds)d s") % {"seconds": max(1, round(rule.ends_in))}
    how = {
        "longer": _("%(seconds)g s longer"),
        "after": _("after %(seconds)g s"),
        "back": _("%(seconds)g s each"),
    }.get(kind.seconds if kind is not None else "")
    return how % {"seconds": rule.seconds} if how is not None and rule.seconds else ""

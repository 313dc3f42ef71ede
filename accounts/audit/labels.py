"""The audit trail for people: titles, names of objects and what changed."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.audit import actions
from accounts.models import AuditEvent


def title(event: AuditEvent) -> str:
    """Return what happened. An action that no app registers (an older version wrote it) is made readable."""
    action = actions.find(event.action)
    if action is not None:
        return str(action.label)
    return event.action.partition(":")[2].replace(":", " ").replace("_", " ").capitalize()


def object_name(event: AuditEvent) -> str:
    """Return the name of the object at the time; its id when it had none."""
    facts: Mapping[str, Any] = {**event.before, **event.after}
    return next((str(facts[key]) for key in ("name", "cidr", "node") if facts.get(key)), event.object_id)


def differences(event: AuditEvent) -> list[tuple[str, str, str]]:
    """Return each changed field as (field, before, after). A new or deleted object has one side only."""
    before, after = event.before, event.after
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [(name.replace("_", " "), _display(before.get(name)), _display(after.get(name))) for name in names]


def _display(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)[:200]

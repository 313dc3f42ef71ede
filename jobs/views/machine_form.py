"""The form of a machine: what was typed, and the page that shows it."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.refusals import Refused, SeveralRefused
from jobs.machines import machine_actions, sshd_trust
from jobs.machines.draft import MachineDraft
from jobs.models import Machine
from jobs.views.machines import is_open
from sshgateway.certificates.authorities import user_authority_lines
from sshgateway.sessions import session_actions

NEW_MACHINE: dict[str, Any] = {"port": "22", "enabled": True}
_TEXT_FIELDS = ("name", "host", "port", "username", "host_key", "scheduler", "notes")
_SEPARATORS = re.compile(r"[\s,;]+")


def read_form(request: HttpRequest) -> dict[str, Any]:
    """Return what was typed, by field."""
    typed: dict[str, Any] = {name: request.POST.get(name, "") for name in (*_TEXT_FIELDS, "people")}
    return typed | {
        "enabled": request.POST.get("enabled") == "on",
        "everyone": request.POST.get("who") == "everyone",
    }


def draft_of(values: Mapping[str, Any]) -> MachineDraft:
    """Return the form as a draft, unchecked."""
    return MachineDraft(**{name: value for name, value in values.items() if name != "people"})


def user_names(values: Mapping[str, Any]) -> list[str]:
    """Return the user names that were typed."""
    return [name for name in _SEPARATORS.split(values["people"]) if name]


def render_machine(
    request: HttpRequest,
    machine: Machine | None,
    values: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """Render the page of a machine, or of a new one (None). Without `values` the form shows what is saved."""
    context = {
        "nav": "machines",
        "machine": machine,
        "values": values,
        "schedulers": Machine.Scheduler.choices,
        "trust_files": sshd_trust,
        "is_open": machine is not None and is_open(machine),
    }
    if machine is not None:
        context |= _saved_context(machine)
        context["values"] = values or _saved_values(machine)
    return render(request, "jobs/machine.html", context | more, status=status)


def render_refusal(
    request: HttpRequest, machine: Machine | None, values: dict[str, Any], refused: Refused
) -> HttpResponse:
    """Render the form as it was typed, with each problem at its field. A private key is never sent back."""
    problems = refused.problems if isinstance(refused, SeveralRefused) else [refused]
    errors = {problem.field or "name": problem.message for problem in reversed(problems)}
    if any(problem.reason == "private_key" for problem in problems):
        values = values | {"host_key": ""}
    return render_machine(request, machine, values, errors=errors, status=refused.status)


def what_removal_ends(machine: Machine) -> str:
    """Return what removing the machine ends and deletes, for the dialog that asks first."""
    count = session_actions.open_sessions(subject=machine.subject).count()
    terminals = _("No terminal is open there now.")
    if count:
        terminals = ngettext(
            "The open terminal there ends at once.", "All %(count)d open terminals there end at once.", count
        ) % {"count": count}
    rest = _(
        "The list of people who may use it, its pinned host keys and its notes are deleted. The machine itself is not "
        "touched."
    )
    return f"{terminals} {rest}"


def _saved_context(machine: Machine) -> dict[str, Any]:
    addresses = settings.HEADNODE_GATEWAY_ADDRESSES
    return {
        "trust": sshd_trust.trust_files(machine.username, user_authority_lines(), addresses),
        "loss": what_removal_ends(machine),
    }


def _saved_values(machine: Machine) -> dict[str, Any]:
    names = machine.people.order_by("username").values_list("username", flat=True)
    return {**vars(machine_actions.draft_from(machine)), "people": ", ".join(names)}

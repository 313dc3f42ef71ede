"""The machines that the user may connect to, and a terminal on one."""

import json
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import source_address
from accounts.refusals import Refused
from accounts.users.administrators import is_administrator
from accounts.views.pages import person
from jobs.access.node_access import check_address
from jobs.machines.machine_access import visible_machines
from jobs.models import Machine

MAX_NAMES = 4


@dataclass(frozen=True)
class MachineRow:
    """One machine of the list. `who` says who may use it; only administrators see that."""

    machine: Machine
    who: str
    is_open: bool


@login_required
@never_cache
@require_GET
def machines(request: HttpRequest) -> HttpResponse:
    """Show the machines the user may use, to open terminals on; administrators also manage them here."""
    user = person(request)
    found = visible_machines(user).prefetch_related("people")
    context = {
        "nav": "machines",
        "administers": is_administrator(user),
        "rows": [MachineRow(machine, _who_may_use(machine), is_open(machine)) for machine in found],
        "refused": _refusal(request),
    }
    return render(request, "jobs/machines.html", context)


@login_required
@never_cache
@require_GET
def terminal(request: HttpRequest, machine_id: int) -> HttpResponse:
    """Show a terminal in its own window. Access is checked when the shell opens, and a refusal is shown there."""
    machine = get_object_or_404(visible_machines(person(request)), pk=machine_id)
    terminals = {
        "name": machine.name,
        "node": machine.name,
        "target": json.dumps({"machine": machine.pk}),
        "create_url": "/api/v2/terminal-sessions/",
        "page_url": reverse("machine_terminal", args=[machine.pk]),
        "home_url": reverse("machines"),
    }
    return render(request, "sshgateway/terminal.html", {"terminals": terminals})


def is_open(machine: Machine) -> bool:
    """Whether the pages offer a terminal: the machine is enabled and has no host key alarm."""
    return machine.enabled and machine.host_key_alarm_at is None


def _who_may_use(machine: Machine) -> str:
    """Return who may use the machine in a few words, with at most MAX_NAMES names."""
    if machine.everyone:
        return _("Everyone who is signed in")
    names = sorted(user.get_username() for user in machine.people.all())
    if not names:
        return _("Administrators only")
    shown = ", ".join(names[:MAX_NAMES])
    if len(names) > MAX_NAMES:
        return _("%(names)s and %(count)d more") % {"names": shown, "count": len(names) - MAX_NAMES}
    return shown


def _refusal(request: HttpRequest) -> Refused | None:
    """Return why the user could not connect from their address; None if they could."""
    try:
        check_address(person(request), source_address.source_address_of(request))
    except Refused as refused:
        return refused
    return None

"""The machines a person may use, and a terminal on one."""

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

NAMES_SHOWN = 4


@dataclass(frozen=True)
class MachineRow:
    """One machine of the list, and for administrators who may use it."""

    machine: Machine
    who: str

    @property
    def opens(self) -> bool:
        """Whether anybody is led there now."""
        return self.machine.enabled and self.machine.host_key_alarm_at is None


@login_required
@never_cache
@require_GET
def machines(request: HttpRequest) -> HttpResponse:
    """The list: to open terminals, and for administrators to manage."""
    user = person(request)
    found = visible_machines(user).prefetch_related("people")
    context = {
        "nav": "machines",
        "administers": is_administrator(user),
        "rows": [MachineRow(machine, who_may_use(machine)) for machine in found],
        "refused": _refusal(request),
    }
    return render(request, "jobs/machines.html", context)


@login_required
@never_cache
@require_GET
def terminal(request: HttpRequest, machine_id: int) -> HttpResponse:
    """A terminal in a window of its own. Whether it may open is decided when it opens, and said there."""
    machine = get_object_or_404(visible_machines(person(request)), pk=machine_id)
    place = {
        "name": machine.name,
        "node": machine.name,
        "target": json.dumps({"machine": machine.pk}),
        "create_url": "/api/v2/terminal-sessions/",
        "page_url": reverse("machine_terminal", args=[machine.pk]),
        "home_url": reverse("machines"),
    }
    return render(request, "sshgateway/terminal.html", {"place": place})


def who_may_use(machine: Machine) -> str:
    """In a few words."""
    if machine.everyone:
        return _("Everyone who is signed in")
    names = sorted(user.get_username() for user in machine.people.all())
    if not names:
        return _("Administrators only")
    shown = ", ".join(names[:NAMES_SHOWN])
    if len(names) > NAMES_SHOWN:
        return _("%(names)s and %(count)d more") % {"names": shown, "count": len(names) - NAMES_SHOWN}
    return shown


def _refusal(request: HttpRequest) -> Refused | None:
    """Why the person could not connect from where they are."""
    try:
        check_address(person(request), source_address.source_address_of(request))
    except Refused as refused:
        return refused
    return None

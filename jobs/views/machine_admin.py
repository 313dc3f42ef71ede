"""What administrators do with machines: add, change, check, remove."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.refusals import Refused, SeveralRefused
from accounts.views.pages import actor, administrators_only, ask_first, is_confirmed, is_fragment
from jobs.machines import check as checking
from jobs.machines import machine_actions, trust
from jobs.machines.draft import MachineDraft
from jobs.models import Machine
from sshgateway.certificates.authorities import user_authority_lines
from sshgateway.sessions import session_actions

TEXTS = ("name", "host", "port", "username", "host_key", "scheduler", "notes")
_BETWEEN_NAMES = re.compile(r"[\s,;]+")


@administrators_only
@sensitive_post_parameters("host_key")
@never_cache
@require_http_methods(["GET", "POST"])
def new_machine(request: HttpRequest) -> HttpResponse:
    """The empty form; or save it."""
    if request.method != "POST":
        return _show(request, None, {"port": "22", "enabled": True})
    values = _values(request)
    try:
        machine, notice = machine_actions.add_machine(actor(request), _draft(values), _people(values))
    except Refused as refused:
        return _refuse(request, None, values, refused)
    said = _("Added “%(name)s”. Now have it trust the portal, as said below, then check it.")
    messages.success(request, said % {"name": machine.name})
    if notice:
        messages.info(request, notice)
    return redirect("machine", machine.pk)


@administrators_only
@sensitive_post_parameters("host_key")
@never_cache
@require_http_methods(["GET", "POST"])
def machine(request: HttpRequest, machine_id: int) -> HttpResponse:
    """One machine: its form, how it comes to trust the portal; or save what was changed."""
    found = get_object_or_404(Machine, pk=machine_id)
    if request.method != "POST":
        return _show(request, found)
    values = _values(request)
    try:
        changes = vars(_draft(values))
        found, notice = machine_actions.change_machine(actor(request), found, changes, _people(values))
    except Refused as refused:
        return _refuse(request, found, values, refused)
    messages.success(request, _("Saved “%(name)s”.") % {"name": found.name})
    if notice:
        messages.info(request, notice)
    return redirect("machine", found.pk)


@administrators_only
@require_POST
def check(request: HttpRequest, machine_id: int) -> HttpResponse:
    """Try the machine and say what happened."""
    found = get_object_or_404(Machine, pk=machine_id)
    finding = checking.check(actor(request), found)
    if is_fragment(request):
        context = {"machine": found, "finding": finding}
        return render(request, "jobs/fragments/machine_check.html", context)
    return _show(request, found, finding=finding)


@administrators_only
@require_POST
def clear_alarm(request: HttpRequest, machine_id: int) -> HttpResponse:
    """Lead people there again, after asking."""
    found = get_object_or_404(Machine, pk=machine_id)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Clear the alarm of “%(name)s”?") % {"name": found.name},
            text=_(
                "People are led there again. The machine still has to prove a pinned host key: nothing is learned."
            ),
            button=_("Clear alarm"),
            back=reverse("machine", args=[found.pk]),
        )
    machine_actions.clear_alarm(actor(request), found)
    messages.success(request, _("The alarm of “%(name)s” is cleared.") % {"name": found.name})
    return redirect("machine", found.pk)


@administrators_only
@require_POST
def remove(request: HttpRequest, machine_id: int) -> HttpResponse:
    """Forget a machine, after asking."""
    found = get_object_or_404(Machine, pk=machine_id)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Remove “%(name)s”?") % {"name": found.name},
            text=_what_is_lost(found),
            button=_("Remove machine"),
            back=reverse("machine", args=[found.pk]),
        )
    machine_actions.remove_machine(actor(request), found)
    messages.success(request, _("Removed “%(name)s”.") % {"name": found.name})
    return redirect("machines")


def _what_is_lost(machine: Machine) -> str:
    live = session_actions.open_sessions(subject=machine.subject).count()
    ends = (
        ngettext(
            "The open terminal there ends at once.", "All %(count)d open terminals there end at once.", live
        )
        % {"count": live}
        if live
        else _("No terminal is open there now.")
    )
    rest = _(
        "Who may use it, its pinned host keys and its notes are forgotten. The machine itself is not touched."
    )
    return f"{ends} {rest}"


def _values(request: HttpRequest) -> dict[str, Any]:
    """What was typed, by field."""
    typed: dict[str, Any] = {name: request.POST.get(name, "") for name in (*TEXTS, "people")}
    return typed | {
        "enabled": request.POST.get("enabled") == "on",
        "everyone": request.POST.get("who") == "everyone",
    }


def _draft(values: Mapping[str, Any]) -> MachineDraft:
    return MachineDraft(**{name: value for name, value in values.items() if name != "people"})


def _people(values: Mapping[str, Any]) -> list[str]:
    return [name for name in _BETWEEN_NAMES.split(values["people"]) if name]


def _refuse(
    request: HttpRequest, machine: Machine | None, values: dict[str, Any], refused: Refused
) -> HttpResponse:
    problems = refused.problems if isinstance(refused, SeveralRefused) else [refused]
    errors = {problem.field or "name": problem.message for problem in reversed(problems)}
    if any(problem.reason == "private_key" for problem in problems):
        values = values | {"host_key": ""}  # never sent back
    return _show(request, machine, values, errors=errors, status=refused.status)


def _show(
    request: HttpRequest,
    machine: Machine | None,
    values: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    if machine is not None:
        addresses = settings.HEADNODE_GATEWAY_ADDRESSES
        saved = vars(machine_actions.draft_of(machine))
        names = machine.people.order_by("username").values_list("username", flat=True)
        values = values or {**saved, "people": ", ".join(names)}
        more["trust"] = trust.trust(machine.username, user_authority_lines(), addresses)
        more["loss"] = _what_is_lost(machine)
    context = {
        "nav": "machines",
        "machine": machine,
        "values": values,
        "schedulers": Machine.Scheduler.choices,
        "trust_files": trust,
        "opens": machine is not None and machine.enabled and machine.host_key_alarm_at is None,
        **more,
    }
    return render(request, "jobs/machine.html", context, status=status)

"""What administrators do with machines: add, change, check, remove, and clear a host key alarm."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.refusals import Refused
from accounts.views.pages import actor, administrators_only, ask_first, is_confirmed, is_fragment
from jobs.machines import machine_actions, machine_check
from jobs.models import Machine
from jobs.views.machine_form import (
    NEW_MACHINE,
    draft_of,
    read_form,
    render_machine,
    render_refusal,
    user_names,
    what_removal_ends,
)


@administrators_only
@sensitive_post_parameters("host_key")
@never_cache
@require_http_methods(["GET", "POST"])
def new_machine(request: HttpRequest) -> HttpResponse:
    """Show the empty form; on POST add the machine."""
    if request.method != "POST":
        return render_machine(request, None, NEW_MACHINE)
    values = read_form(request)
    try:
        added, notice = machine_actions.add_machine(actor(request), draft_of(values), user_names(values))
    except Refused as refused:
        return render_refusal(request, None, values, refused)
    text = _("Added “%(name)s”. Now make it trust the portal as described below, then check it.")
    messages.success(request, text % {"name": added.name})
    if notice:
        messages.info(request, notice)
    return redirect("machine", added.pk)


@administrators_only
@sensitive_post_parameters("host_key")
@never_cache
@require_http_methods(["GET", "POST"])
def machine(request: HttpRequest, machine_id: int) -> HttpResponse:
    """Show one machine: its form, and how to make it trust the portal; on POST save the changes."""
    found = get_object_or_404(Machine, pk=machine_id)
    if request.method != "POST":
        return render_machine(request, found)
    values = read_form(request)
    try:
        changes = vars(draft_of(values))
        found, notice = machine_actions.change_machine(actor(request), found, changes, user_names(values))
    except Refused as refused:
        return render_refusal(request, found, values, refused)
    messages.success(request, _("Saved “%(name)s”.") % {"name": found.name})
    if notice:
        messages.info(request, notice)
    return redirect("machine", found.pk)


@administrators_only
@require_POST
def check(request: HttpRequest, machine_id: int) -> HttpResponse:
    """Log in to the machine as a terminal would, and show what happened."""
    found = get_object_or_404(Machine, pk=machine_id)
    finding = machine_check.check_machine(actor(request), found)
    if is_fragment(request):
        context = {"machine": found, "finding": finding}
        return render(request, "jobs/fragments/machine_check.html", context)
    return render_machine(request, found, finding=finding)


@administrators_only
@require_POST
def clear_alarm(request: HttpRequest, machine_id: int) -> HttpResponse:
    """Clear the host key alarm so that people can connect again, after asking."""
    found = get_object_or_404(Machine, pk=machine_id)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Clear the alarm of “%(name)s”?") % {"name": found.name},
            text=_(
                "People can connect again. The machine still has to show a pinned host key; the portal never learns "
                "a key by itself."
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
    """Remove a machine from the portal, after asking."""
    found = get_object_or_404(Machine, pk=machine_id)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Remove “%(name)s”?") % {"name": found.name},
            text=what_removal_ends(found),
            button=_("Remove machine"),
            back=reverse("machine", args=[found.pk]),
        )
    machine_actions.remove_machine(actor(request), found)
    messages.success(request, _("Removed “%(name)s”.") % {"name": found.name})
    return redirect("machines")

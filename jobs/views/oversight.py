"""Administrators' pages about terminals: who is where now, ending one, what is recorded."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.refusals import Refused
from accounts.users.administrators import is_administrator
from accounts.views.pages import actor, is_fragment, person
from jobs.models import CoreType
from jobs.views import session_rows
from sshgateway.models import RecordingRule, TerminalSession
from sshgateway.recording import rules
from sshgateway.sessions import oversight, session_actions
from sshgateway.terminals.recording_policy import Mode, OnFailure

View = Callable[..., HttpResponse]


def for_administrators(view: View) -> View:
    """To everybody else the page does not exist."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        if not is_administrator(person(request)):
            raise Http404
        return view(request, *args, **more)

    return login_required(checked)


@for_administrators
@never_cache
@require_GET
def live_sessions(request: HttpRequest) -> HttpResponse:
    """Every open terminal; the list alone for the page that keeps itself fresh."""
    found = list(oversight.live_sessions())
    pairs = zip(session_rows.rows(found), found, strict=True)
    context = {"rows": [(row, getattr(session, "watching", [])) for row, session in pairs]}
    template = "fragments/live_sessions.html" if is_fragment(request) else "live_sessions.html"
    return render(request, f"sshgateway/{template}", context)


@for_administrators
@never_cache
@require_http_methods(["GET", "POST"])
def end_live_session(request: HttpRequest, session_id: str) -> HttpResponse:
    """Ask why, then end it; the owner reads the answer."""
    session = get_object_or_404(TerminalSession.objects.select_related("owner"), pk=session_id)
    context: dict[str, Any] = {"session": session, "message": request.POST.get("message", "")}
    if request.method != "POST":
        return render(request, "sshgateway/end_live_session.html", context)
    try:
        session_actions.end_session_as_administrator(actor(request), session, context["message"])
    except Refused as refused:
        if refused.reason != "session_ended":
            context["error"] = refused.message
            return render(request, "sshgateway/end_live_session.html", context, status=refused.status)
    messages.success(request, _("Ended the terminal of %(owner)s.") % {"owner": session.owner.get_username()})
    return redirect("live_sessions")


@for_administrators
@never_cache
@require_http_methods(["GET", "POST"])
def recording_rules(request: HttpRequest) -> HttpResponse:
    """What is recorded, and the forms that change it."""
    if request.method != "POST":
        return _show_rules(request)
    scope = request.POST.get("scope", "site")
    asked = {
        "username": request.POST.get("person", "").strip() if scope == "person" else "",
        "core_type": request.POST.get("core_type", "") if scope == "core_type" else "",
    }
    try:
        if scope == "person" and not asked["username"]:
            raise Refused("no_such_person", _("Write the name the person signs in with."), field="person")
        if scope == "core_type" and not CoreType.objects.filter(code=asked["core_type"]).exists():
            raise Refused("no_such_core_type", _("Choose one of the core types."), field="core_type")
        rules.save_rule(
            actor(request), request.POST.get("mode", ""), request.POST.get("on_failure", ""), **asked
        )
    except Refused as refused:
        return _show_rules(
            request, status=refused.status, refused=refused, scope=scope, asked=request.POST.dict()
        )
    messages.success(request, _("Saved. It holds for terminals that are opened from now on."))
    return redirect("recording_rules")


@for_administrators
@require_POST
def remove_recording_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Take a rule away."""
    rules.remove_rule(actor(request), get_object_or_404(RecordingRule, pk=rule_id))
    messages.success(request, _("Removed. It holds for terminals that are opened from now on."))
    return redirect("recording_rules")


def _show_rules(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    saved = list(RecordingRule.objects.select_related("person"))
    names = dict(CoreType.objects.values_list("code", "name"))
    site = next((row for row in saved if row.person is None and not row.core_type), None)
    context = {
        "site": site or RecordingRule(mode=Mode.OFF, on_failure=OnFailure.GO_ON),
        "people": [row for row in saved if row.person is not None],
        "core_type_rules": [(row, names.get(row.core_type, row.core_type)) for row in saved if row.core_type],
        "core_types": CoreType.objects.filter(is_active=True),
        "modes": [
            (Mode.OFF.value, _("Not recorded")),
            (Mode.ON.value, _("Recorded")),
            (Mode.ANNOUNCED.value, _("Recorded and announced")),
        ],
        "failures": [
            (OnFailure.GO_ON.value, _("the shell goes on")),
            (OnFailure.END.value, _("the shell ends")),
        ],
        **more,
    }
    return render(request, "sshgateway/recording_rules.html", context, status=status)

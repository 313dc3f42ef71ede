"""The administrators' page of open terminals: who is in them, and a form that ends one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.refusals import Refused
from accounts.views.pages import actor, is_fragment
from jobs.views.administrator_pages import hidden_from_others
from jobs.views.session_rows import session_rows_of
from sshgateway.models import TerminalSession
from sshgateway.sessions import oversight, session_actions


@hidden_from_others
@never_cache
@require_GET
def live_sessions(request: HttpRequest) -> HttpResponse:
    """Show every open terminal; only the list if htmx asks, which the page does to stay up to date."""
    sessions = list(oversight.live_sessions())
    pairs = zip(session_rows_of(sessions), sessions, strict=True)
    context = {"rows": [(row, getattr(session, "watching", [])) for row, session in pairs]}
    template = "fragments/live_sessions.html" if is_fragment(request) else "live_sessions.html"
    return render(request, f"sshgateway/{template}", context)


@hidden_from_others
@never_cache
@require_http_methods(["GET", "POST"])
def end_live_session(request: HttpRequest, session_id: str) -> HttpResponse:
    """Ask for the reason, then end the terminal. Its owner reads the reason. One that has ended is no error."""
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

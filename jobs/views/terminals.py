"""The user's terminals, those that others share with them, and the window that shows somebody else's terminal."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.views.pages import person
from jobs.views.session_rows import session_rows_of_user
from sshgateway.authorization import terminal_authorization
from sshgateway.models import TerminalSession
from sshgateway.sessions import sharing
from sshgateway.terminals.roles import Role


@login_required
@never_cache
@require_GET
def terminals(request: HttpRequest) -> HttpResponse:
    """Show what is shared with the user, and their own terminals, newest first."""
    user = person(request)
    context = {
        "nav": "terminals",
        "shared": sharing.shared_with(user),
        "rows": session_rows_of_user(user),
    }
    return render(request, "sshgateway/terminals_page.html", context)


@login_required
@never_cache
@require_GET
def others_terminal(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show somebody else's terminal. The address is checked when it connects, and a refusal is shown there."""
    session = get_object_or_404(TerminalSession.objects.select_related("owner"), pk=session_id)
    participant = terminal_authorization.participant_for(session, person(request))
    if participant is None or participant.is_owner:
        raise Http404
    if participant.role is Role.GUEST and session.ended_at is not None:
        raise Http404
    label = _("%(label)s, opened by %(owner)s") % {
        "label": session.label,
        "owner": session.owner.get_username(),
    }
    return render(request, "sshgateway/others_terminal.html", {"session": session, "label": label})

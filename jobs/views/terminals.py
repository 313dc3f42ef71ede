"""A person's terminals, those that others share with them, and the window in which one is in another's terminal."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.views.pages import person
from jobs.views import session_rows
from sshgateway.authorization import terminal_authorization
from sshgateway.models import TerminalSession
from sshgateway.sessions import session_actions
from sshgateway.terminals.roles import Role


@login_required
@never_cache
@require_GET
def terminals(request: HttpRequest) -> HttpResponse:
    """What is shared with one, and one's own, the newest first."""
    user = person(request)
    context = {
        "nav": "terminals",
        "shared": session_actions.shared_with(user),
        "rows": session_rows.of_person(user),
    }
    return render(request, "sshgateway/terminals_page.html", context)


@login_required
@never_cache
@require_GET
def others_terminal(request: HttpRequest, session_id: str) -> HttpResponse:
    """A terminal that somebody else opened. Whether one may be there from here is said in the terminal."""
    session = get_object_or_404(TerminalSession.objects.select_related("owner"), pk=session_id)
    place = terminal_authorization.place_of(session, person(request))
    if place is None or place.is_owner or (place.role is Role.GUEST and session.ended_at is not None):
        raise Http404
    label = _("%(label)s, opened by %(owner)s") % {
        "label": session.label,
        "owner": session.owner.get_username(),
    }
    return render(request, "sshgateway/others_terminal.html", {"session": session, "label": label})

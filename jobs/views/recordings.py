"""The page that plays the recording of a terminal."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.views.pages import person
from jobs.access import node_access, recordings
from jobs.views import session_rows
from sshgateway.models import TerminalVisit

SPEEDS = ("0.5", "1", "2", "4", "8", "16")


@login_required
@never_cache
@require_GET
def recording(request: HttpRequest, recording_id: str) -> HttpResponse:
    """The player, and what is known of the terminal. What was printed is fetched by the player, and audited there."""
    user = person(request)
    found = recordings.find_recording(user, recording_id)
    if found is None:
        raise Http404
    session = found.session
    job = node_access.visible_jobs(user).filter(pk=node_access.job_id_of(session.subject)).first()
    context = {
        "nav": "terminals",
        "recording": found,
        "session": session,
        "job": job,
        "is_own": session.owner_id == user.pk,
        "recorded": session_rows.recorded_in_words(found),
        "visits": TerminalVisit.objects.filter(session=session).select_related("person"),
        "speeds": SPEEDS,
    }
    return render(request, "sshgateway/replay.html", context)

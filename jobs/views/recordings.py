"""The page that replays the recording of a terminal."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.views.pages import person
from jobs.access import job_visibility, recordings, session_subjects
from jobs.views.session_rows import recorded_text
from sshgateway.models import TerminalVisit

SPEEDS = ("0.5", "1", "2", "4", "8", "16")


@login_required
@never_cache
@require_GET
def recording(request: HttpRequest, recording_id: str) -> HttpResponse:
    """Show the player and the facts of the terminal. The player fetches the output from the API, which audits it."""
    user = person(request)
    found = recordings.find_recording(user, recording_id)
    if found is None:
        raise Http404
    session = found.session
    job_id = session_subjects.job_id_of(session.subject)
    context = {
        "nav": "terminals",
        "recording": found,
        "session": session,
        "job": job_visibility.visible_jobs(user).filter(pk=job_id).first(),
        "is_own": session.owner_id == user.pk,
        "recorded": recorded_text(found),
        "participants": TerminalVisit.objects.filter(session=session).select_related("person"),
        "speeds": SPEEDS,
    }
    return render(request, "sshgateway/replay.html", context)

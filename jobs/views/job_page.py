"""The page of one job, and the fragment that keeps it up to date."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.views.pages import person
from jobs.events import job_log, job_notices
from jobs.models import Job
from jobs.views import job_view
from jobs.views.job_lookup import find_job
from jobs.views.job_terminal import job_terminals

FIRST_LINES = 400


def render_job_page(request: HttpRequest, job: Job, status: int = 200) -> HttpResponse:
    """Render the whole page with the newest FIRST_LINES lines of the Job Log."""
    events = job_log.read_page(job, max(0, job.last_sequence - FIRST_LINES))
    context = {
        **job_view.context(request, job),
        "terminals": job_terminals(job),
        "events": events,
        "first_sequence": events[0].sequence if events else 1,
        "last_sequence": events[-1].sequence if events else 0,
    }
    return render(request, "jobs/job_page.html", context, status=status)


@login_required
@never_cache
@require_GET
def job_page(request: HttpRequest, job_id: str) -> HttpResponse:
    """Show one job. What its reader was told of its end needs their attention no more."""
    job = find_job(request, job_id)
    job_notices.seen(person(request), job)
    return render_job_page(request, job)


@login_required
@never_cache
@require_GET
def state_fragment(request: HttpRequest, job_id: str) -> HttpResponse:
    """Render the parts of the page that change with the job's state, for the script that follows it."""
    job = find_job(request, job_id)
    return render(request, "jobs/fragments/state.html", job_view.context(request, job))

"""Download the Job Log as a text file."""

from collections.abc import Iterator

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from jobs.events import job_log
from jobs.events.ansi import without_escapes
from jobs.models import Job, JobEvent
from jobs.views.job_lookup import find_job


@login_required
@require_GET
def log_text(request: HttpRequest, job_id: str) -> HttpResponse:
    """Return the whole Job Log as plain text: times in UTC, colour codes removed."""
    job = find_job(request, job_id)
    text = "".join(_line(event) for event in _all_events(job))
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="job-{job.pk}-log.txt"'
    return response


def _all_events(job: Job) -> Iterator[JobEvent]:
    after = 0
    while page := job_log.read_page(job, after):
        after = page[-1].sequence
        yield from page


def _line(event: JobEvent) -> str:
    source = f"{event.source}/{event.node}" if event.node else event.source
    message = without_escapes(event.message)
    return f"{event.at:%Y-%m-%dT%H:%M:%S.%f}Z {event.level:7} {source}: {message}\n"

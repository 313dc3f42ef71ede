"""One job: its page, the fragment that follows its state, its log as text, its terminal window."""

import json
import re

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.views.pages import person
from jobs.access.node_access import visible_jobs
from jobs.events import job_log
from jobs.models import Job
from jobs.views import job_view

FIRST_LINES = 400
_ANSI = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])")


def find(request: HttpRequest, job_id: str) -> Job:
    """The job, or 404 when there is none this person may know of."""
    jobs = visible_jobs(person(request)).select_related("core_type", "owner").prefetch_related("statuses")
    return get_object_or_404(jobs, pk=job_id)


def show(request: HttpRequest, job: Job, status: int = 200) -> HttpResponse:
    """The whole page."""
    first = job_log.page(job, max(0, job.last_sequence - FIRST_LINES))
    context = {
        **job_view.context(request, person(request), job),
        "place": terminals_of(job),
        "events": first,
        "first_sequence": first[0].sequence if first else 1,
        "last_sequence": first[-1].sequence if first else 0,
    }
    return render(request, "jobs/job_page.html", context, status=status)


@login_required
@never_cache
@require_GET
def job_page(request: HttpRequest, job_id: str) -> HttpResponse:
    """Status, connect, nodes, log, files."""
    return show(request, find(request, job_id))


@login_required
@never_cache
@require_GET
def state_fragment(request: HttpRequest, job_id: str) -> HttpResponse:
    """The parts of the page that change with the job's state, for the script that follows it."""
    job = find(request, job_id)
    return render(request, "jobs/fragments/state.html", job_view.context(request, person(request), job))


@login_required
@require_GET
def log_text(request: HttpRequest, job_id: str) -> HttpResponse:
    """The whole Job Log as plain text, times in UTC, without colours."""
    job = find(request, job_id)
    lines, after = [], 0
    while batch := job_log.page(job, after):
        after = batch[-1].sequence
        for event in batch:
            place = f"{event.source}/{event.node}" if event.node else event.source
            said = _ANSI.sub("", event.message)
            lines.append(f"{event.at:%Y-%m-%dT%H:%M:%S.%f}Z {event.level:7} {place}: {said}\n")
    answer = HttpResponse("".join(lines), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="job-{job.pk}-log.txt"'
    return answer


@login_required
@never_cache
@require_GET
def terminal(request: HttpRequest, job_id: str, node: str) -> HttpResponse:
    """A terminal in a window of its own. Whether it may open is decided when it opens, and said there."""
    job = find(request, job_id)
    if not job.submitted_at or not job.cluster.nodes.filter(name=node).exists():
        raise Http404
    place = {**terminals_of(job, node), "home_url": reverse("job_page", args=[job.pk])}
    return render(request, "sshgateway/terminal.html", {"place": place})


def terminals_of(job: Job, node: str = "head") -> dict[str, str]:
    """What sshgateway/terminals.html needs to show shells of this job; the first opens on `node`."""
    return {
        "name": job.name,
        "node": node,
        "target": json.dumps({"job": job.pk}),
        "create_url": "/api/v2/terminal-sessions/",
        "nodes_url": f"/api/v2/jobs/{job.pk}/instances/",
        "page_url": reverse("job_terminal", args=[job.pk, "NODE"]),
    }

"""Browser terminals on a job's nodes: the window of its own, and the settings of the terminal element."""

import json

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from jobs.models import Job
from jobs.views.job_lookup import find_job


@login_required
@never_cache
@require_GET
def terminal(request: HttpRequest, job_id: str, node: str) -> HttpResponse:
    """Show a terminal in its own window. Access is checked when the shell opens, and a refusal is shown there."""
    job = find_job(request, job_id)
    if not job.submitted_at or not job.cluster.nodes.filter(name=node).exists():
        raise Http404
    terminals = {**job_terminals(job, node), "home_url": reverse("job_page", args=[job.pk])}
    return render(request, "sshgateway/terminal.html", {"terminals": terminals})


def job_terminals(job: Job, node: str = "head") -> dict[str, str]:
    """Return what `sshgateway/parts/terminals.html` needs for this job; the first shell opens on `node`."""
    return {
        "name": job.name,
        "node": node,
        "target": json.dumps({"job": job.pk}),
        "create_url": "/api/v2/terminal-sessions/",
        "nodes_url": f"/api/v2/jobs/{job.pk}/instances/",
        "page_url": reverse("job_terminal", args=[job.pk, "NODE"]),
    }

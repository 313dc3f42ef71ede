"""Serve a node's boot log: new lines as a fragment for the page's script, and all of it as a text file."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from jobs.context import boot_line_store, context_report
from jobs.models import Node
from jobs.views.job_lookup import find_job

MAX_LINES = 1000


@login_required
@never_cache
@require_GET
def lines(request: HttpRequest, job_id: str, node: str) -> HttpResponse:
    """Render the lines after a sequence number (`?after=`), oldest first, at most MAX_LINES."""
    found = _find_node(request, job_id, node)
    after = request.GET.get("after", "0")
    sequence = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
    rows = found.boot_lines.filter(sequence__gt=sequence).order_by("sequence")[:MAX_LINES]
    return render(request, "jobs/fragments/boot_lines.html", {"lines": rows})


@login_required
@never_cache
@require_GET
def text(request: HttpRequest, job_id: str, node: str) -> HttpResponse:
    """Return the whole log as the node reported it; the lines received so far if it has not reported yet."""
    found = _find_node(request, job_id, node)
    log = found.report_log or context_report.log_text(
        [boot_line_store.line_of_row(row) for row in found.boot_lines.all()]
    )
    response = HttpResponse(log, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="job-{job_id}-{found.name}-boot.txt"'
    return response


def _find_node(request: HttpRequest, job_id: str, name: str) -> Node:
    return get_object_or_404(Node, cluster__job=find_job(request, job_id), name=name)

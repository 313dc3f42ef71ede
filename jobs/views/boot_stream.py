"""A node's boot stream: the lines that are new, for the page's script, and the whole of it as text."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from jobs.context import report, reporting
from jobs.models import Node
from jobs.views.job_page import find

MOST_LINES = 1000


@login_required
@never_cache
@require_GET
def lines(request: HttpRequest, job_id: str, node: str) -> HttpResponse:
    """Lines after a sequence (`?after=`), oldest first, as a piece of the page."""
    found = _node(request, job_id, node)
    after = request.GET.get("after", "0")
    number = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
    rows = found.boot_lines.filter(sequence__gt=number).order_by("sequence")[:MOST_LINES]
    return render(request, "jobs/fragments/boot_lines.html", {"lines": rows})


@login_required
@never_cache
@require_GET
def text(request: HttpRequest, job_id: str, node: str) -> HttpResponse:
    """The node's whole log, as it reported it; while it has not, what it has said so far."""
    found = _node(request, job_id, node)
    log = found.report_log or report.log_of([reporting.line_of(row) for row in found.boot_lines.all()])
    answer = HttpResponse(log, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="job-{job_id}-{found.name}-boot.txt"'
    return answer


def _node(request: HttpRequest, job_id: str, name: str) -> Node:
    return get_object_or_404(Node, cluster__job=find(request, job_id), name=name)

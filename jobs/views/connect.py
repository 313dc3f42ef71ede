"""The Connect dialog, which is also a page of its own: every way to a job's nodes."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.refusals import Refused
from jobs.access import connect_guide, connect_labels
from jobs.models import Node
from jobs.views.job_page import find


@login_required
@never_cache
@require_GET
def connect(request: HttpRequest, job_id: str) -> HttpResponse:
    """The page, or for the dialog only its content. A refusal is a sentence in its place.

    A port that is none is said beside its field, and the rest is shown with the usual port.
    """
    job = find(request, job_id)
    asked = connect_guide.Asked(
        **{name: request.GET.get(name, usual) for name, usual in vars(connect_guide.Asked()).items()}
    )
    context: dict[str, Any] = {"nav": "jobs", "job": job, "asked": asked, "status": 200}
    context["known_hosts_file"] = connect_guide.known_hosts_file(job)
    context["port_sentence"] = connect_labels.PORT_SENTENCE
    context["guide"] = None
    try:
        context["guide"] = connect_guide.connect_guide_of(job, asked)
    except Refused as refused:
        context |= {"refused": refused, "status": refused.status}
        if refused.reason == "bad_port":
            context["guide"] = _with_usual_ports(job, asked)
    if context["guide"]:
        context["has_compute"] = context["guide"].node.role != Node.Role.HEAD
    name = "fragments/connect_guide.html" if "fragment" in request.GET else "connect.html"
    return render(request, f"jobs/{name}", context, status=context["status"])


def _with_usual_ports(job: Any, asked: connect_guide.Asked) -> connect_guide.ConnectGuide | None:
    try:
        return connect_guide.connect_guide_of(job, connect_guide.Asked(node=asked.node, way=asked.way))
    except Refused:
        return None

"""The Connect dialog, which is also a page of its own: every command that connects to a job's nodes."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.refusals import Refused
from jobs.access import connect_guide, connect_labels
from jobs.access.connect_guide import ConnectGuide, ConnectRequest
from jobs.models import Job, Node
from jobs.views.job_lookup import find_job


@login_required
@never_cache
@require_GET
def connect(request: HttpRequest, job_id: str) -> HttpResponse:
    """Show the page, or only its content for the dialog. A refusal is shown as a sentence in place of the commands.

    An invalid port is reported beside its field, and the commands are shown with the default port.
    """
    job = find_job(request, job_id)
    asked = _connect_request(request)
    context: dict[str, Any] = {
        "nav": "jobs",
        "job": job,
        "asked": asked,
        "known_hosts_file": connect_guide.known_hosts_file(job),
        "port_sentence": connect_labels.PORT_SENTENCE,
        "guide": None,
    }
    status = 200
    try:
        context["guide"] = connect_guide.connect_guide_of(job, asked)
    except Refused as refused:
        context["refused"], status = refused, refused.status
        if refused.reason == "bad_port":
            context["guide"] = _with_default_ports(job, asked)
    if context["guide"]:
        context["has_compute"] = context["guide"].node.role != Node.Role.HEAD
    name = "fragments/connect_guide.html" if "fragment" in request.GET else "connect.html"
    return render(request, f"jobs/{name}", context, status=status)


def _connect_request(request: HttpRequest) -> ConnectRequest:
    defaults = vars(ConnectRequest())
    return ConnectRequest(**{name: request.GET.get(name, default) for name, default in defaults.items()})


def _with_default_ports(job: Job, asked: ConnectRequest) -> ConnectGuide | None:
    try:
        return connect_guide.connect_guide_of(job, ConnectRequest(node=asked.node, way=asked.way))
    except Refused:
        return None

"""The list of one's clusters, and what its buttons do: by handle."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.refusals import Refused
from accounts.views.pages import actor, ask_first, is_confirmed, person
from jobs.definitions import cluster_history
from jobs.definitions.cluster_history import Row
from jobs.models import Cluster
from jobs.states import Outcome
from jobs.submission import job_actions
from jobs.views import badges
from jobs.views.job_view import what_ends, what_is_lost
from jobs.views.stages import duration_text

PAGE_SIZE = 25


@dataclass(frozen=True)
class Line:
    """One line of the list. `why` it ended, as far as its outcome does not say it; `loss` is what terminating it would
    lose, empty when it cannot be terminated."""

    row: Row
    cluster_chip: badges.Chip
    outcome_chip: badges.Chip | None
    hours: str
    lasted: str
    why: str
    loss: str


@login_required
@never_cache
@require_GET
def cluster_list(request: HttpRequest) -> HttpResponse:
    """The newest first, those that are over too; what to do next when there is none."""
    page = Paginator(cluster_history.clusters_of(person(request)), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    lines = [_line(row) for row in cluster_history.rows(list(page.object_list))]
    context = {"nav": "clusters", "page": page, "lines": lines}
    return render(request, "jobs/cluster_list.html", context)


@login_required
@require_POST
def terminate(request: HttpRequest, handle: str) -> HttpResponse:
    """End the command and the cluster, after asking. A second press changes nothing and is no error."""
    cluster = find(request, handle)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Terminate %(handle)s, “%(name)s”?") % {"handle": handle, "name": cluster.job.name},
            text=what_is_lost(cluster.job),
            button=_("Terminate"),
            back=reverse("cluster_list"),
        )
    try:
        first = job_actions.stop_job(actor(request), cluster.job)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        said = _("Terminating %(handle)s.") if first else _("%(handle)s was being terminated already.")
        messages.info(request, said % {"handle": handle})
    return redirect("cluster_list")


@login_required
@require_GET
def definition(request: HttpRequest, handle: str) -> HttpResponse:
    """The definition a cluster was launched from, as a file."""
    cluster = find(request, handle)
    if not cluster.has_definition:  # type: ignore[attr-defined]  # an annotation of the query
        raise Http404
    answer = HttpResponse(cluster.definition.text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{cluster.handle}.toml"'
    return answer


def find(request: HttpRequest, handle: str) -> Cluster:
    """The person's own cluster of this handle, or 404."""
    cluster = cluster_history.find(person(request), handle)
    if cluster is None:
        raise Http404
    return cluster


def _line(row: Row) -> Line:
    speaks_for_itself = row.outcome == Outcome.SUCCEEDED and row.job.command
    return Line(
        row=row,
        cluster_chip=badges.cluster_chip(row.cluster),
        outcome_chip=badges.outcome_chip(row.job),
        hours=duration_text(row.hours).removesuffix(" 0 min"),
        lasted=duration_text(row.ended_at - row.launched_at) if row.ended_at else "",
        why=row.failure or ("" if speaks_for_itself else row.outcome_reason),
        loss=what_ends(row.job) if row.can_terminate else "",
    )

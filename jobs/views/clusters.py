"""The list of the user's clusters, and its buttons."""

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
from jobs.definitions.cluster_history import ClusterRow
from jobs.durations import duration_text
from jobs.models import Cluster
from jobs.states import Outcome
from jobs.submission import job_actions
from jobs.views import badges
from jobs.views.cost_view import CostView, cost_views
from jobs.views.what_is_lost import what_ends, what_is_lost

PAGE_SIZE = 25


@dataclass(frozen=True)
class ClusterLine:
    """One line of the list.

    `why` says why the cluster ended, when its outcome does not say it. `loss` says what terminating it would lose; it
    is empty when the cluster cannot be terminated.
    """

    row: ClusterRow
    cost: CostView
    cluster_badge: badges.Badge
    outcome_badge: badges.Badge | None
    hours: str
    lasted: str
    why: str
    loss: str


@login_required
@never_cache
@require_GET
def cluster_list(request: HttpRequest) -> HttpResponse:
    """Show the user's clusters, newest first, with those that have ended."""
    page = Paginator(cluster_history.clusters_of(person(request)), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    rows = cluster_history.cluster_rows(list(page.object_list))
    costs = cost_views({row.job.pk: row.cost for row in rows})
    lines = [_line(row, costs[row.job.pk]) for row in rows]
    context = {"nav": "clusters", "page": page, "lines": lines}
    return render(request, "jobs/cluster_list.html", context)


@login_required
@require_POST
def terminate(request: HttpRequest, handle: str) -> HttpResponse:
    """Terminate the cluster, after asking. Pressing twice changes nothing and is no error."""
    cluster = find_own_cluster(request, handle)
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
        text = _("Terminating %(handle)s.") if first else _("%(handle)s is already being terminated.")
        messages.info(request, text % {"handle": handle})
    return redirect("cluster_list")


@login_required
@require_GET
def definition(request: HttpRequest, handle: str) -> HttpResponse:
    """Return the definition a cluster was launched from, as a file."""
    cluster = find_own_cluster(request, handle)
    if not cluster.has_definition:  # type: ignore[attr-defined]  # an annotation of the query
        raise Http404
    response = HttpResponse(cluster.definition.text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{cluster.handle}.toml"'
    return response


def find_own_cluster(request: HttpRequest, handle: str) -> Cluster:
    """Return the user's own cluster with this handle. Raises Http404."""
    cluster = cluster_history.find_cluster(person(request), handle)
    if cluster is None:
        raise Http404
    return cluster


def _line(row: ClusterRow, cost: CostView) -> ClusterLine:
    needs_no_reason = row.outcome == Outcome.SUCCEEDED and row.job.command
    return ClusterLine(
        row=row,
        cost=cost,
        cluster_badge=badges.cluster_badge(row.cluster),
        outcome_badge=badges.outcome_badge(row.job),
        hours=duration_text(row.hours).removesuffix(" 0 min"),
        lasted=duration_text(row.ended_at - row.launched_at) if row.ended_at else "",
        why=row.failure or ("" if needs_no_reason else row.outcome_reason),
        loss=what_ends(row.job) if row.can_terminate else "",
    )

"""The list of the jobs that the user may see."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.keys import validity
from accounts.views.pages import person
from jobs.access.job_visibility import visible_jobs
from jobs.costs.hardware import Hardware, hardware_of_jobs
from jobs.models import Cluster, Job
from jobs.views import badges
from jobs.views.cost_view import CostView, cost_views_of
from jobs.views.first_steps import first_steps_of

PAGE_SIZE = 25


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    job: Job
    job_badge: badges.Badge
    outcome_badge: badges.Badge | None
    cluster_badge: badges.Badge
    handle: str
    hardware: Hardware
    cost: CostView


@login_required
@never_cache
@require_GET
def job_list(request: HttpRequest) -> HttpResponse:
    """Show the jobs, newest first; without any, what to do first."""
    owner = person(request)
    jobs = visible_jobs(owner).select_related("core_type").prefetch_related("statuses")
    page = Paginator(jobs, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    clusters = {cluster.job_id: cluster for cluster in Cluster.objects.filter(job__in=shown).defer("plan")}
    hardware, costs = hardware_of_jobs(shown), cost_views_of(shown)
    rows = [_row(job, clusters.get(job.pk), hardware[job.pk], costs[job.pk]) for job in shown]
    context = {
        "nav": "jobs",
        "page": page,
        "rows": rows,
        "steps": first_steps_of(request),
        "portal_name": settings.HEADNODE_NAME,
        "expiring_keys": validity.expiring_keys(owner),
    }
    return render(request, "jobs/job_list.html", context)


def _row(job: Job, cluster: Cluster | None, hardware: Hardware, cost: CostView) -> Row:
    return Row(
        job=job,
        job_badge=badges.job_badge(job),
        outcome_badge=badges.outcome_badge(job),
        cluster_badge=badges.cluster_badge(cluster),
        handle=cluster.handle if cluster else "",
        hardware=hardware,
        cost=cost,
    )

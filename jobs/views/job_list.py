"""The front page: what needs attention, and the list of the jobs that the user may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.views.pages import person
from jobs.access.job_visibility import visible_jobs
from jobs.costs.hardware import Hardware, hardware_of_jobs
from jobs.durations import duration_text
from jobs.models import Cluster, Job
from jobs.views import badges
from jobs.views.attention import attention_of
from jobs.views.cost_view import CostView, cost_views_of
from jobs.views.first_steps import first_steps_of
from jobs.views.list_pages import SORTED, Count, count_tabs, find_page, run_time
from jobs.views.list_query import ListQuery, Order, Tab

_TAB_NAMES = {
    Tab.ALL: gettext_lazy("All"),
    Tab.RUNNING: gettext_lazy("Running"),
    Tab.WAITING: gettext_lazy("Waiting"),
    Tab.FAILED: gettext_lazy("Failed"),
    Tab.COMPLETED: gettext_lazy("Completed"),
    Tab.SAVED: gettext_lazy("Saved"),
}
_NOTHING_IN = {
    Tab.ALL: gettext_lazy("There are no jobs."),
    Tab.RUNNING: gettext_lazy("No job is running."),
    Tab.WAITING: gettext_lazy("No job is waiting."),
    Tab.FAILED: gettext_lazy("No job has failed."),
    Tab.COMPLETED: gettext_lazy("No job has completed."),
    Tab.SAVED: gettext_lazy("No job is saved and not submitted yet."),
}
_ORDER_NAMES = {
    "-created": gettext_lazy("Newest first"),
    "created": gettext_lazy("Oldest first"),
    "name": gettext_lazy("Name"),
    "-name": gettext_lazy("Name, reversed"),
    "-duration": gettext_lazy("Longest first"),
    "duration": gettext_lazy("Shortest first"),
    "-cost": gettext_lazy("Most expensive first"),
    "cost": gettext_lazy("Cheapest first"),
}


@dataclass(frozen=True)
class Row:
    """One line of the list. `running_since` is set while the duration grows."""

    job: Job
    job_badge: badges.Badge
    outcome_badge: badges.Badge | None
    cluster_badge: badges.Badge
    handle: str
    hardware: Hardware
    cost: CostView
    duration: str
    running_since: datetime | None


@dataclass(frozen=True)
class TabLink:
    """A tab, with the number of its jobs."""

    name: str
    link: str
    count: str
    is_shown: bool


@dataclass(frozen=True)
class Column:
    """The head of a column that sorts the list. `direction` as aria-sort has it; empty if another column does."""

    link: str
    direction: str


@login_required
@never_cache
@require_GET
def job_list(request: HttpRequest) -> HttpResponse:
    """Show the jobs that the address asks for, newest first; without any, what to do first."""
    owner = person(request)
    query = ListQuery.read(request.GET.dict())
    jobs = visible_jobs(owner)
    page = find_page(jobs, query)
    counts = count_tabs(jobs, query)
    # Unordered: for their order a database would read all jobs of the user.
    shown = jobs.order_by().select_related("core_type").prefetch_related("statuses").in_bulk(page.ids)
    rows = _rows(shown, page.ids)
    steps = first_steps_of(request)
    context = {
        "nav": "jobs",
        "query": query,
        "page": page,
        "previous_text": _previous_text(query),
        "next_text": _next_text(query),
        "sorted_jobs": f"{SORTED:,}",
        "nothing_text": _nothing_text(query),
        "rows": rows,
        "is_moving": any(_is_moving(row) for row in rows),
        "has_jobs": bool(rows) or steps.has_job,
        "tabs": [_tab_link(tab, query, counts) for tab in Tab],
        "columns": {str(order): _column(order, query) for order in Order},
        "orders": _ORDER_NAMES.items(),
        "attention": attention_of(owner),
        "steps": steps,
        "portal_name": settings.HEADNODE_NAME,
    }
    return render(request, "jobs/job_list.html", context)


def _rows(jobs: Mapping[str, Job], ids: list[str]) -> list[Row]:
    # One may have been deleted since its id was read.
    shown = [jobs[pk] for pk in ids if pk in jobs]
    clusters = {cluster.job_id: cluster for cluster in Cluster.objects.filter(job__in=shown).defer("plan")}
    hardware, costs = hardware_of_jobs(shown), cost_views_of(shown)
    now = timezone.now()
    return [_row(job, clusters.get(job.pk), hardware[job.pk], costs[job.pk], now) for job in shown]


def _row(job: Job, cluster: Cluster | None, hardware: Hardware, cost: CostView, now: datetime) -> Row:
    span = run_time(cluster, job, now)
    is_running = cluster is not None and cluster.executed_at is None and job.completed_at is None
    return Row(
        job=job,
        job_badge=badges.job_badge(job),
        outcome_badge=badges.outcome_badge(job),
        cluster_badge=badges.cluster_badge(cluster),
        handle=cluster.handle if cluster else "",
        hardware=hardware,
        cost=cost,
        duration=duration_text(span) if span is not None else "",
        running_since=cluster.executing_at if cluster is not None and is_running else None,
    )


def _is_moving(row: Row) -> bool:
    """Whether the row will change without its owner doing anything."""
    return row.job.submitted_at is not None and (row.job.completed_at is None or row.cost.is_live)


def _tab_link(tab: Tab, query: ListQuery, counts: Mapping[Tab, Count]) -> TabLink:
    return TabLink(
        name=str(_TAB_NAMES[tab]),
        link=query.in_tab(tab),
        count=_count_text(counts[tab]),
        is_shown=tab is query.tab,
    )


def _count_text(count: Count) -> str:
    return f"{count.number:,}+" if count.is_more else f"{count.number:,}"


def _column(order: Order, query: ListQuery) -> Column:
    direction = "descending" if query.is_descending else "ascending"
    return Column(query.sorted_by(order), direction if order is query.order else "")


def _previous_text(query: ListQuery) -> str:
    if query.order is not Order.CREATED:
        return _("Previous")
    return _("Newer") if query.is_descending else _("Older")


def _next_text(query: ListQuery) -> str:
    if query.order is not Order.CREATED:
        return _("Next")
    return _("Older") if query.is_descending else _("Newer")


def _nothing_text(query: ListQuery) -> str:
    """Return the sentence of a page without jobs."""
    if not query.can_search:
        return _("No jobs match this search.")
    if query.search:
        return _("No jobs match “%(text)s”.") % {"text": query.search}
    if query.after or query.before:
        return _("There are no more jobs.")
    return str(_NOTHING_IN[query.tab])

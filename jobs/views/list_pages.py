"""Find the jobs of one page of the list, and count its tabs, without reading more for more jobs.

Newest first, a page is found by the place where it begins. Other orders are made of the newest SORTED jobs that match,
because duration and cost are computed. Counts stop at COUNTED.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from jobs.costs.job_cost import costs_of
from jobs.models import Cluster, Job
from jobs.states import Outcome
from jobs.views.list_query import ListQuery, Order, Place, Tab

PAGE_SIZE = 25
SORTED = 1000
COUNTED = 1000
FAILURES = (Outcome.FAILED, Outcome.ERROR, Outcome.WALLTIME, Outcome.DEADLINE)
_ENDED_WELL = (Outcome.SUCCEEDED, Outcome.TERMINATED)


@dataclass(frozen=True)
class Count:
    """A number of jobs; `is_more` if there are more than were counted."""

    number: int
    is_more: bool = False


@dataclass(frozen=True)
class JobsPage:
    """The ids of the jobs on a page, and the addresses of the pages beside it; empty if there is none.

    `is_partial`: only the newest SORTED jobs were put in order, and there are more.
    """

    ids: list[str]
    previous: str = ""
    next: str = ""
    is_partial: bool = False


def run_time(cluster: Cluster | None, job: Job, now: datetime) -> timedelta | None:
    """Return how long the command has run, or ran; None if it never began."""
    if cluster is None or cluster.executing_at is None:
        return None
    return _span(cluster.executing_at, cluster.executed_at, job.completed_at, now)


def find_page(jobs: QuerySet[Job], query: ListQuery) -> JobsPage:
    """Return one page of those jobs that the query asks for."""
    if not query.can_search:
        return JobsPage([])
    matching = _in_tab(_searched(jobs, query.search), query.tab)
    if query.order is Order.CREATED:
        return _by_creation(matching, query)
    return _numbered(matching, query)


def count_tabs(jobs: QuerySet[Job], query: ListQuery) -> Mapping[Tab, Count]:
    """Return how many jobs each tab has; while a text is searched for, how many of them match."""
    if not query.can_search:
        return {tab: Count(0) for tab in Tab}
    if query.search:
        return _count_found(_searched(jobs, query.search))
    return {tab: _capped(_in_tab(jobs, tab).order_by()[: COUNTED + 1].count()) for tab in Tab}


def _in_tab(jobs: QuerySet[Job], tab: Tab) -> QuerySet[Job]:
    match tab:
        case Tab.ALL:
            return jobs
        case Tab.FAILED:
            return jobs.filter(outcome__in=FAILURES)
        case Tab.COMPLETED:
            return jobs.filter(outcome__in=_ENDED_WELL)
        case Tab.SAVED:
            return jobs.filter(outcome=Outcome.NONE, submitted_at=None)
    began = Exists(Cluster.objects.filter(job=OuterRef("pk"), executing_at__isnull=False))
    moving = jobs.filter(outcome=Outcome.NONE, submitted_at__isnull=False)
    return moving.filter(began if tab is Tab.RUNNING else ~began)


def tab_of(outcome: str, is_submitted: bool, has_begun: bool) -> Tab:
    """Return the tab, beside `ALL`, of a job."""
    if outcome in FAILURES:
        return Tab.FAILED
    if outcome:
        return Tab.COMPLETED
    if not is_submitted:
        return Tab.SAVED
    return Tab.RUNNING if has_begun else Tab.WAITING


def _count_found(found: QuerySet[Job]) -> Mapping[Tab, Count]:
    """Count the newest COUNTED of the jobs found. One query: a search reads every job that it does not find."""
    rows = list(found.values_list("outcome", "submitted_at", "cluster__executing_at")[: COUNTED + 1])
    is_more = len(rows) > COUNTED
    numbers = dict.fromkeys(Tab, 0)
    for outcome, submitted_at, executing_at in rows[:COUNTED]:
        numbers[Tab.ALL] += 1
        numbers[tab_of(outcome, submitted_at is not None, executing_at is not None)] += 1
    return {tab: Count(number, is_more) for tab, number in numbers.items()}


def _capped(number: int) -> Count:
    return Count(min(number, COUNTED), number > COUNTED)


def _searched(jobs: QuerySet[Job], text: str) -> QuerySet[Job]:
    """Return the jobs with the text in their name, id, tags, or the handle of their cluster."""
    if not text:
        return jobs
    match = Q(name__icontains=text) | Q(id__iexact=text) | Q(cluster__handle__icontains=text)
    # Tags are stored as JSON: text of nothing but its punctuation would match every job.
    if text.strip("[], "):
        jobs = jobs.alias(tags_text=Cast("user_tags", TextField()))
        for written in {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}:
            match |= Q(tags_text__icontains=written)
    return jobs.filter(match)


def _by_creation(matching: QuerySet[Job], query: ListQuery) -> JobsPage:
    place, is_backward = (query.before, True) if query.before else (query.after, False)
    # Going back reads in the other direction, and turns what it read around.
    is_descending = query.is_descending is not is_backward
    found = _from(matching, place, is_descending)
    more = len(found) > PAGE_SIZE
    if is_backward and len(found) < PAGE_SIZE:
        # Less than a page is left before this place: it is the first page.
        return _by_creation(matching, ListQuery(query.tab, query.search, is_descending=query.is_descending))
    shown = found[:PAGE_SIZE][:: -1 if is_backward else 1]
    if not shown:
        return JobsPage([])
    has_previous, has_next = (more, True) if is_backward else (place is not None, more)
    return JobsPage(
        [place.job_id for place in shown],
        previous=query.at("before", shown[0]) if has_previous else "",
        next=query.at("after", shown[-1]) if has_next else "",
    )


def _from(matching: QuerySet[Job], place: Place | None, is_descending: bool) -> list[Place]:
    """Return the places that follow one, or the first ones: a page and one more."""
    if place is not None:
        beyond = "lt" if is_descending else "gt"
        # The first condition says nothing new; it is the one that an index answers.
        matching = matching.filter(
            Q(**{f"created_at__{beyond}e": place.created_at}),
            Q(**{f"created_at__{beyond}": place.created_at})
            | Q(**{"created_at": place.created_at, f"id__{beyond}": place.job_id}),
        )
    order = ("-created_at", "-id") if is_descending else ("created_at", "id")
    rows = matching.order_by(*order).values_list("created_at", "pk")[: PAGE_SIZE + 1]
    return [Place(created_at, job_id) for created_at, job_id in rows]


def _numbered(matching: QuerySet[Job], query: ListQuery) -> JobsPage:
    ids, is_partial = _sorted_ids(matching, query)
    last = max(1, -(-len(ids) // PAGE_SIZE))
    page = min(query.page, last)
    return JobsPage(
        ids[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        previous=query.at("page", page - 1) if page > 1 else "",
        next=query.at("page", page + 1) if page < last else "",
        is_partial=is_partial,
    )


def _sorted_ids(matching: QuerySet[Job], query: ListQuery) -> tuple[list[str], bool]:
    newest = matching.order_by("-created_at", "-id")
    if query.order is Order.NAME:
        rows = list(newest.values_list("pk", "name")[: SORTED + 1])
        names = {pk: (name.casefold(), name) for pk, name in rows[:SORTED]}
        return sorted(names, key=names.__getitem__, reverse=query.is_descending), len(rows) > SORTED
    if query.order is Order.DURATION:
        return _by_duration(newest, query.is_descending)
    ids = list(newest.values_list("pk", flat=True)[: SORTED + 1])
    jobs = Job.objects.filter(pk__in=ids[:SORTED]).select_related("core_type")
    costs = costs_of(list(jobs.only("completed_at", "walltime", "cores_per_slot", "slots", "core_type")))
    amounts: dict[str, Decimal] = {pk: costs[pk].accrued for pk in ids[:SORTED] if pk in costs}
    return sorted(amounts, key=amounts.__getitem__, reverse=query.is_descending), len(ids) > SORTED


def _by_duration(newest: QuerySet[Job], is_descending: bool) -> tuple[list[str], bool]:
    now = timezone.now()
    fields = ("pk", "cluster__executing_at", "cluster__executed_at", "completed_at")
    rows = list(newest.values_list(*fields)[: SORTED + 1])
    spans = {pk: _span(began, ended, done, now) for pk, began, ended, done in rows[:SORTED] if began}
    never = [row[0] for row in rows[:SORTED] if row[0] not in spans]
    # Those that never ran are last in both directions.
    return [*sorted(spans, key=spans.__getitem__, reverse=is_descending), *never], len(rows) > SORTED


def _span(began: datetime, executed: datetime | None, completed: datetime | None, now: datetime) -> timedelta:
    return max((executed or completed or now) - began, timedelta())

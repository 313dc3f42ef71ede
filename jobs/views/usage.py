"""Usage and cost: a person's own report with plots, as a page and as CSV; administrators see everyone's."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.refusals import Refused
from accounts.users.administrators import is_administrator
from accounts.views.pages import person
from jobs.access.job_visibility import visible_jobs
from jobs.costs.amount_text import money_html, under_a_cent
from jobs.costs.budget_rows import budgets_of
from jobs.costs.budgets import BudgetScope
from jobs.costs.money import rounded
from jobs.costs.price_history import is_simulated
from jobs.costs.report_csv import file_name, report_csv
from jobs.costs.report_request import ReportRequest, read_request
from jobs.costs.reports import GroupBy, Report, UsageRow, currencies
from jobs.models import Budget
from jobs.views.budget_lines import budget_lines

PERCENT = 100
TENTH = Decimal("0.1")
MOST_ROWS = 500


@dataclass(frozen=True)
class Line:
    """A row of the page's table or a bar: `percent` of the whole cost."""

    key: str
    name: str
    node_hours: Decimal
    core_hours: Decimal
    cost: str
    idle: str
    percent: Decimal


@login_required
@never_cache
@require_GET
def usage(request: HttpRequest) -> HttpResponse:
    """Show the report that is asked for; what is wrong with the question stands above this month's."""
    asking, values, refused = person(request), request.GET.dict(), None
    try:
        asked = read_request(asking, values)
    except Refused as refusal:
        refused, asked = refusal, read_request(asking, {})
    context = {"refused": refused, **_context(asking, asked, values)}
    return render(request, "jobs/usage.html", context, status=refused.status if refused else 200)


@login_required
@never_cache
@require_GET
def usage_csv(request: HttpRequest) -> HttpResponse:
    """Download the report as CSV."""
    try:
        report = read_request(person(request), request.GET.dict()).report()
    except Refused as refused:
        return HttpResponse(refused.message, status=refused.status, content_type="text/plain; charset=utf-8")
    headers = {"Content-Disposition": f'attachment; filename="{file_name(report)}"'}
    return HttpResponse(report_csv(report), content_type="text/csv; charset=utf-8", headers=headers)


def _context(asking: User, asked: ReportRequest, values: dict[str, str]) -> dict[str, Any]:
    by_day = asked.grouped_by(GroupBy.DAY)
    chosen = by_day if asked.group_by == GroupBy.DAY else asked.report()
    others = [currency for currency in currencies() if currency != asked.currency]
    return {
        "nav": "usage",
        "asked": asked,
        "whose": asked.person.get_username() if asked.person else "",
        "is_own": asked.person == asking,
        "is_administrator": is_administrator(asking),
        "groupings": _groupings(is_administrator(asking)),
        "lines": (lines := _lines(chosen)[:MOST_ROWS]),
        "linked": _linked(asking, lines) if asked.group_by == GroupBy.JOB else set(),
        "left_out": max(0, len(chosen.rows) - MOST_ROWS),
        "total": money_html(by_day.total.cost, asked.currency),
        "node_hours": by_day.total.node_hours,
        "core_hours": by_day.total.core_hours,
        "idle_percent": _percent(by_day.total.idle_cost, by_day.total.cost),
        "idle_cost": money_html(by_day.total.idle_cost, asked.currency),
        "core_types": _lines(asked.grouped_by(GroupBy.CORE_TYPE)),
        "plot": _plot(by_day),
        "simulated": is_simulated(),
        "other_currencies": others,
        "months": _months(timezone.now().date()),
        "budgets": budget_lines(_budgets(asked)),
        "period_query": _period_query(asked),
        "whose_query": _whose_query(asked),
    }


def _budgets(asked: ReportRequest) -> Sequence[Budget]:
    """Return the budgets of those whose usage is shown: a person's and their projects', or the site's."""
    if asked.person is None:
        return list(Budget.objects.filter(scope=BudgetScope.SITE))
    return list(budgets_of(asked.person))


def _groupings(for_administrator: bool) -> list[tuple[str, str]]:
    found = [
        (GroupBy.DAY.value, _("Day")),
        (GroupBy.JOB.value, _("Job")),
        (GroupBy.CORE_TYPE.value, _("Core type")),
        (GroupBy.PROJECT.value, _("Project")),
    ]
    return [*found, (GroupBy.PERSON.value, _("Person"))] if for_administrator else found


def _lines(report: Report) -> list[Line]:
    return [
        Line(
            row.key,
            row.name or row.key,
            row.node_hours,
            row.core_hours,
            money_html(row.cost, report.currency),
            money_html(row.idle_cost, report.currency),
            _percent(row.cost, report.total.cost),
        )
        for row in report.rows
    ]


def _linked(asking: User, lines: Sequence[Line]) -> set[str]:
    """Return the jobs that the asking person can open: a charge outlives its job."""
    rows = visible_jobs(asking).filter(pk__in=[line.key for line in lines])
    return set(rows.values_list("pk", flat=True))


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return rounded(part * PERCENT / whole, TENTH) if whole else Decimal()


def _plot(report: Report) -> dict[str, Any]:
    """Return the cost of each day, days without any included, as the page's script draws it."""
    by_day: dict[str, UsageRow] = {row.key: row for row in report.rows}
    days = [
        report.first_day + timedelta(days=n) for n in range((report.last_day - report.first_day).days + 1)
    ]
    rows = [by_day.get(str(day), UsageRow(str(day))) for day in days]
    return {
        "days": [str(day) for day in days],
        "busy": [float(rounded(row.cost - row.idle_cost)) for row in rows],
        "idle": [float(rounded(row.idle_cost)) for row in rows],
        "currency": report.currency,
        "labels": {
            "day": _("Day"),
            "busy": _("While the command ran"),
            "idle": _("Idle"),
            "under": under_a_cent(report.currency),
        },
    }


def _months(today: date) -> list[tuple[str, str, date]]:
    """Return first and last day of this month and the two before, with a day to name it by."""
    found, first = [], today.replace(day=1)
    for _number in range(3):
        last = first.replace(day=monthrange(first.year, first.month)[1])
        found.append((str(first), str(min(last, today)), first))
        first = (first - timedelta(days=1)).replace(day=1)
    return found


def _period_query(asked: ReportRequest) -> str:
    """Return the report's days and currency, for links that keep them."""
    return urlencode({"from": asked.first_day, "to": asked.last_day, "currency": asked.currency})


def _whose_query(asked: ReportRequest) -> str:
    """Return whose report it is and how it is grouped, for links that keep them."""
    whose = {"person": asked.person.get_username()} if asked.person else {"everyone": "1"}
    return urlencode({"groupBy": asked.group_by, **whose})

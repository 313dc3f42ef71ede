"""The administrators' page of budgets: add, change and remove them, what is spent, and which steps were reached."""

from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Project, User
from accounts.refusals import Refused, SeveralRefused
from accounts.views.pages import actor, ask_first, is_confirmed
from jobs.costs.amount_text import exact_text, money_html
from jobs.costs.budget_actions import NewBudget, add_budget, change_budget, remove_budget
from jobs.costs.budget_rows import name_of
from jobs.costs.budgets import BudgetPeriod, BudgetScope
from jobs.costs.price_history import is_simulated, portal_currency
from jobs.models import Budget, BudgetStep
from jobs.views.administrator_pages import hidden_from_others
from jobs.views.budget_lines import budget_lines

HISTORY_ROWS = 50


@hidden_from_others
@never_cache
@require_http_methods(["GET", "POST"])
def budgets(request: HttpRequest) -> HttpResponse:
    """Show all budgets; on POST add one."""
    if request.method != "POST":
        return _show(request, {}, {})
    typed = {name: request.POST.get(name, "").strip() for name in ("scope", "subject", "amount", "period")}
    typed["enforced"] = request.POST.get("enforced", "")
    # The field is hidden for the site, and may still hold what was typed before.
    subject = "" if typed["scope"] == BudgetScope.SITE else typed["subject"]
    try:
        budget = add_budget(
            actor(request),
            NewBudget(
                scope=typed["scope"],
                subject=subject,
                amount=_number(typed["amount"]),
                period=typed["period"],
                enforced=typed["enforced"] == "on",
            ),
        )
    except Refused as refused:
        return _show(request, typed, _errors(refused))
    messages.success(request, _("Saved: %(name)s.") % {"name": name_of(budget)})
    return redirect("budgets")


@hidden_from_others
@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the amount of a budget, and whether it is enforced."""
    budget = _found(pk)
    if budget is None:
        return _gone(request)
    try:
        change_budget(
            actor(request),
            budget,
            amount=_number(request.POST.get("amount", "").strip()),
            enforced=request.POST.get("enforced") == "on",
        )
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Saved: %(name)s.") % {"name": name_of(budget)})
    return redirect("budgets")


@hidden_from_others
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a budget, after asking."""
    budget = _found(pk)
    if budget is None:
        return _gone(request)
    if not is_confirmed(request):
        return ask_first(
            request,
            title=_("Remove %(name)s?") % {"name": name_of(budget)},
            text=_(
                "Jobs that wait for it start, and it ends no clusters any more. Its history goes with it."
            ),
            button=_("Remove"),
            back=reverse("budgets"),
        )
    remove_budget(actor(request), budget)
    messages.success(request, _("Removed: %(name)s.") % {"name": name_of(budget)})
    return redirect("budgets")


def _found(pk: int) -> Budget | None:
    return Budget.objects.select_related("person", "project").filter(pk=pk).first()


def _gone(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("This budget is gone already."))
    return redirect("budgets")


def _number(text: str) -> Decimal:
    """Return the number; what is none becomes NaN, which is refused together with whatever else is wrong."""
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return Decimal("NaN")


def _errors(refused: Refused) -> dict[str, str]:
    problems = refused.problems if isinstance(refused, SeveralRefused) else [refused]
    return {problem.field or "": problem.message for problem in problems}


def _show(request: HttpRequest, typed: dict[str, str], errors: dict[str, str]) -> HttpResponse:
    history = BudgetStep.objects.select_related("budget__person", "budget__project")[:HISTORY_ROWS]
    context = {
        "nav": "budgets",
        "lines": budget_lines(Budget.objects.select_related("person", "project")),
        "typed": {"scope": BudgetScope.PERSON, "period": BudgetPeriod.MONTH, **typed},
        "errors": errors,
        "scopes": _scopes(),
        "periods": [(BudgetPeriod.MONTH.value, _("Each month")), (BudgetPeriod.ONCE.value, _("Once"))],
        "people": User.objects.filter(is_active=True)
        .order_by("username")
        .values_list("username", flat=True)[:500],
        "projects": Project.objects.filter(closed_at=None).values_list("name", flat=True)[:500],
        "currency": portal_currency(),
        "simulated": is_simulated(),
        "history": [_step(step) for step in history],
    }
    return render(request, "jobs/budgets.html", context, status=400 if errors else 200)


def _step(step: BudgetStep) -> dict[str, object]:
    currency = step.budget.currency
    return {
        "at": step.at,
        "percent": step.percent,
        "name": name_of(step.budget),
        "spent": money_html(step.spent, currency),
        "amount": exact_text(step.amount, currency),
    }


def _scopes() -> list[tuple[str, str]]:
    return [
        (BudgetScope.PERSON.value, _("A person")),
        (BudgetScope.PROJECT.value, _("A project")),
        (BudgetScope.SITE.value, _("The site")),
    ]

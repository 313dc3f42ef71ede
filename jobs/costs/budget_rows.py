"""Which budgets apply to whom, who may see them, and what they are called."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.projects import projects_of
from accounts.users.administrators import is_administrator
from jobs.costs.budgets import BudgetPeriod, BudgetScope, month_of
from jobs.models import Budget, Cluster
from jobs.states import Desired, Observed


def applying_to(owner_id: int, project_id: str | None) -> QuerySet[Budget]:
    """Return the budgets that a cluster of this person and project uses, in the order in which they are locked."""
    whose = Q(scope=BudgetScope.SITE) | Q(person=owner_id)
    if project_id:
        whose |= Q(project=project_id)
    return Budget.objects.filter(whose).select_related("person", "project").order_by("pk")


def budgets_of(person: User) -> QuerySet[Budget]:
    """Return a person's own budgets and those of their projects."""
    found = Budget.objects.filter(Q(person=person) | Q(project__in=projects_of(person)))
    return found.select_related("person", "project").order_by("pk")


def visible_budgets(person: User) -> QuerySet[Budget]:
    """Return the budgets a person may see: their own and those of their projects; an administrator, all."""
    if is_administrator(person):
        return Budget.objects.select_related("person", "project").order_by("pk")
    return budgets_of(person)


def waiting_for(budget: Budget) -> QuerySet[Cluster]:
    """Return the clusters that wait for a budget, the oldest first, without those that were terminated meanwhile."""
    return Cluster.objects.filter(
        waits_for_budget=budget.pk, observed_state=Observed.ABSENT, desired_state=Desired.RUNNING
    ).order_by("created_at", "pk")


def subject_of(budget: Budget) -> str:
    """Return whose it is, as the API names it: a user name, a project's id, or nothing for the site."""
    if budget.person is not None:
        return budget.person.get_username()
    return budget.project_id or ""


def name_of(budget: Budget) -> str:
    """Return what people call it, inside a sentence: `the monthly budget of project Wing`."""
    names = {
        "name": budget.person.get_username()
        if budget.person
        else budget.project.name
        if budget.project
        else ""
    }
    is_monthly = budget.period == BudgetPeriod.MONTH
    if budget.scope == BudgetScope.PERSON:
        text = _("the monthly budget of %(name)s") if is_monthly else _("the budget of %(name)s")
    elif budget.scope == BudgetScope.PROJECT:
        text = (
            _("the monthly budget of project %(name)s") if is_monthly else _("the budget of project %(name)s")
        )
    else:
        text = _("the site's monthly budget") if is_monthly else _("the site's budget")
    return text % names


def window_began(budget: Budget, now: datetime) -> datetime:
    """Return since when what is spent counts."""
    return budget.since if budget.period == BudgetPeriod.ONCE else month_of(now)

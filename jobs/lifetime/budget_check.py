"""Look at every budget: tell which steps it reached, when it will be used up, and wake the clusters this concerns.

It runs every two seconds, in any worker, several at once too: a budget is looked at under its lock. What it finds is
computed anew from the charges each time, so that nothing is lost when it is killed.
"""

import logging
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit.trail import SYSTEM, record
from accounts.models import User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import notify
from jobs.costs.amount_text import exact_text, money_text
from jobs.costs.budget_rows import name_of, subject_of, waiting_for, window_began
from jobs.costs.budget_spending import spent_of
from jobs.costs.budgets import STEPS, BudgetScope, step_of
from jobs.events import wakeups
from jobs.events.audit_actions import JobsAuditAction
from jobs.lifetime import budget_limits
from jobs.models import Budget, BudgetStep

TASK_NAME = "jobs.check_budgets"
# So many waiting jobs of one budget are asked at a time whether there is room for them, the oldest first.
ASKED_AT_ONCE = 20
logger = logging.getLogger(__name__)


def check_budgets() -> None:
    """Look at every budget. One that breaks stops no other."""
    for budget in Budget.objects.select_related("person", "project").order_by("pk"):
        try:
            if _has_news(budget):
                check_budget(budget.pk)
        except Exception:
            logger.exception("the check of budget %s broke", budget.pk)


def _has_news(budget: Budget) -> bool:
    """Return whether there is something to write. Asked without a lock: most of the time there is not."""
    now = timezone.now()
    spent = spent_of(budget, now)
    if _new_steps(budget, spent, now)[0] or waiting_for(budget).exists():
        return True
    burners = budget_limits.burners_of(budget, now) if budget.enforced else []
    return budget_limits.used_up_of(budget, burners, spent, now) != budget.used_up_at


def check_budget(pk: int) -> None:
    """Look at one budget, under its lock."""
    with transaction.atomic():
        found = budget_limits.locked(Budget.objects.filter(pk=pk).select_related("person", "project"))
        if not found:
            return
        budget, now = found[0], timezone.now()
        spent = spent_of(budget, now)
        _tell_steps(budget, spent, now)
        burners = budget_limits.burners_of(budget, now) if budget.enforced else []
        if budget_limits.save_used_up(budget, burners, spent, now):
            for cluster_id in budget_limits.with_other_deadline(budget):
                wakeups.wake(cluster_id)
        if not budget.enforced or spent < budget.amount:
            _wake_waiting(budget, now)


def _wake_waiting(budget: Budget, now: datetime) -> None:
    waiting = list(waiting_for(budget).select_related("job__core_type")[:ASKED_AT_ONCE])
    for cluster in budget_limits.with_room(budget, waiting, now) if budget.enforced else waiting:
        wakeups.wake(cluster.pk)


def _new_steps(budget: Budget, spent: Decimal, now: datetime) -> tuple[list[int], int]:
    """Return the steps that are reached and not noted yet, and the highest that is noted."""
    noted = BudgetStep.objects.filter(
        budget=budget, window_began_at=window_began(budget, now), amount=budget.amount
    )
    known = set(noted.values_list("percent", flat=True))
    reached = step_of(spent, budget.amount)
    return [step for step in STEPS if step <= reached and step not in known], max(known, default=0)


def _tell_steps(budget: Budget, spent: Decimal, now: datetime) -> None:
    """Note the steps that are reached now. The highest of them is told, once for this amount and window."""
    began = window_began(budget, now)
    new, highest = _new_steps(budget, spent, now)
    if not new:
        return
    BudgetStep.objects.bulk_create(
        BudgetStep(
            budget=budget, window_began_at=began, percent=step, amount=budget.amount, spent=spent, at=now
        )
        for step in new
    )
    if new[-1] <= highest:
        return
    _tell(budget, new[-1], spent, began)
    record(
        SYSTEM,
        JobsAuditAction.BUDGET_STEP_REACHED,
        "budget",
        budget.pk,
        owner=budget.person,
        after={
            "name": f"{budget.scope} {subject_of(budget)}".strip(),
            "step": new[-1],
            "spent": exact_text(spent, budget.currency),
        },
    )


def _tell(budget: Budget, step: int, spent: Decimal, began: datetime) -> None:
    facts = {
        "name": name_of(budget),
        "step": step,
        "spent": money_text(spent, budget.currency),
        "amount": exact_text(budget.amount, budget.currency),
    }
    text = _("Of %(amount)s, %(spent)s is spent: %(step)s %% of %(name)s.") % facts
    if budget.enforced and step == STEPS[-1]:
        text += " " + _("New jobs wait until there is room, and running clusters are terminated.")
    elif budget.enforced:
        text += " " + _("When all of it is spent, new jobs wait and running clusters are terminated.")
    for person in _people(budget):
        notify(
            person,
            NotificationKind.BUDGET,
            text,
            title=_("%(step)s %% of %(name)s is spent") % facts,
            link=reverse("usage"),
            key=f"budget-{budget.pk}-{began:%Y%m%dT%H%M%S}-{budget.amount}-{step}",
            facts={
                "budget": budget.pk,
                "scope": budget.scope,
                "subject": subject_of(budget),
                "period": budget.period,
                "step": step,
                "spent": f"{spent:.6f}",
                "amount": f"{budget.amount:.6f}",
                "currency": budget.currency,
                "enforced": budget.enforced,
            },
        )


def _people(budget: Budget) -> list[User]:
    """Return whose budget it is, and the administrators who look after it."""
    whose = Q(is_superuser=True)
    if budget.scope == BudgetScope.PERSON:
        whose |= Q(pk=budget.person_id)
    elif budget.scope == BudgetScope.PROJECT:
        whose |= Q(projects=budget.project_id)
    return list(User.objects.filter(whose, is_active=True).distinct().order_by("pk"))

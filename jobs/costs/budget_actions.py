"""Add, change and remove budgets. Each is one transaction with its audit event; the loop does the rest."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from accounts.audit.trail import Actor, record
from accounts.models import Project, User
from accounts.refusals import Refused, SeveralRefused
from accounts.users.administrators import check_administrator
from jobs.costs.budget_rows import subject_of, waiting_for
from jobs.costs.budgets import BudgetPeriod, BudgetScope
from jobs.costs.money import CURRENCY_RULE, is_currency
from jobs.costs.price_history import portal_currency
from jobs.costs.refusal_reasons import BudgetRefusal
from jobs.events import wakeups
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Budget

ONLY_ADMINISTRATORS = "Only an administrator can change budgets."
SMALLEST_PART = Decimal("0.0001")
HIGHEST = Decimal("999999999999")
AMOUNT_RULE = f"The amount must be a number above 0, at most {HIGHEST}, with at most four decimal places."


@dataclass(frozen=True)
class NewBudget:
    """What is asked for. `subject`: a user name, a project's id or name, or nothing for the site."""

    scope: str
    subject: str
    amount: Decimal
    period: str
    currency: str = ""
    enforced: bool = False


def add_budget(actor: Actor, asked: NewBudget) -> Budget:
    """Save a budget. One that is given once counts from now on.

    Raises SeveralRefused with every problem (`scope_invalid`, `subject_unknown`, `amount_invalid`, `period_invalid`,
    `currency_invalid`), or Refused (`not_administrator`, 403).
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    problems: list[Refused] = []
    person, project = None, None
    try:
        person, project = _subject(asked.scope, asked.subject.strip())
    except Refused as refused:
        problems.append(refused)
    currency = asked.currency or portal_currency()
    problems += _problems(asked.amount, currency, asked.period)
    if problems:
        raise SeveralRefused(problems)
    with transaction.atomic():
        budget = Budget.objects.create(
            scope=asked.scope,
            person=person,
            project=project,
            amount=asked.amount,
            currency=currency,
            period=asked.period,
            enforced=asked.enforced,
            set_by=actor.name[:150],
        )
        _record(actor, JobsAuditAction.BUDGET_ADDED, budget, {}, _facts(budget))
    return budget


def change_budget(
    actor: Actor,
    budget: Budget,
    *,
    amount: Decimal | None = None,
    period: str | None = None,
    enforced: bool | None = None,
) -> Budget:
    """Change what is given. Jobs that wait for it are looked at again at once.

    Raises SeveralRefused (`amount_invalid`, `period_invalid`) or Refused (`not_administrator`, 403).
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    with transaction.atomic():
        budget = (
            Budget.objects.select_for_update(of=("self",))
            .select_related("person", "project")
            .get(pk=budget.pk)
        )
        before = _facts(budget)
        budget.amount = budget.amount if amount is None else amount
        budget.period = budget.period if period is None else period
        budget.enforced = budget.enforced if enforced is None else enforced
        if problems := _problems(budget.amount, budget.currency, budget.period):
            raise SeveralRefused(problems)
        if _facts(budget) != before:
            budget.save()
            _record(actor, JobsAuditAction.BUDGET_CHANGED, budget, before, _facts(budget))
            _wake_waiting(budget)
    return budget


def remove_budget(actor: Actor, budget: Budget) -> None:
    """Remove a budget; what waits for it starts. Raises Refused (`not_administrator`, 403)."""
    check_administrator(actor, ONLY_ADMINISTRATORS)
    with transaction.atomic():
        found = Budget.objects.select_for_update(of=("self",)).filter(pk=budget.pk).first()
        if found is None:
            return
        _record(actor, JobsAuditAction.BUDGET_REMOVED, budget, _facts(budget), {})
        _wake_waiting(budget)
        found.delete()


def _wake_waiting(budget: Budget) -> None:
    for pk in waiting_for(budget).values_list("pk", flat=True):
        wakeups.wake(pk)


def _subject(scope: str, name: str) -> tuple[User | None, Project | None]:
    if scope not in list(BudgetScope):
        text = f"The scope must be one of: {', '.join(BudgetScope)}."
        raise Refused(BudgetRefusal.SCOPE_INVALID, text, field="scope")
    if scope == BudgetScope.SITE:
        if name:
            text = "A budget of the site is for everybody: leave the subject out."
            raise Refused(BudgetRefusal.SUBJECT_UNKNOWN, text, field="subject")
        return None, None
    is_person = scope == BudgetScope.PERSON
    can_be = bool(name) and name.isprintable() and len(name) <= 150
    if is_person and can_be and (person := User.objects.filter(username=name).first()):
        return person, None
    if not is_person and can_be:
        projects = Project.objects.all()
        if project := projects.filter(pk=name).first() or projects.filter(name=name).first():
            return None, project
    text = (
        "There is no person with this user name."
        if is_person
        else "There is no project with this id or name."
    )
    raise Refused(BudgetRefusal.SUBJECT_UNKNOWN, text, field="subject")


def _problems(amount: Decimal, currency: str, period: str) -> list[Refused]:
    problems = []
    if not (amount.is_finite() and 0 < amount <= HIGHEST and not amount % SMALLEST_PART):
        problems.append(Refused(BudgetRefusal.AMOUNT_INVALID, AMOUNT_RULE, field="amount"))
    if not is_currency(currency):
        problems.append(Refused(BudgetRefusal.CURRENCY_INVALID, CURRENCY_RULE, field="currency"))
    if period not in list(BudgetPeriod):
        text = f"The period must be one of: {', '.join(BudgetPeriod)}."
        problems.append(Refused(BudgetRefusal.PERIOD_INVALID, text, field="period"))
    return problems


def _facts(budget: Budget) -> dict[str, object]:
    return {
        "name": f"{budget.scope} {subject_of(budget)}".strip(),
        "amount": f"{budget.currency} {budget.amount.normalize():f}",
        "period": budget.period,
        "enforced": budget.enforced,
    }


def _record(
    actor: Actor,
    action: JobsAuditAction,
    budget: Budget,
    before: dict[str, object],
    after: dict[str, object],
) -> None:
    record(actor, action, "budget", budget.pk, owner=budget.person, before=before, after=after)

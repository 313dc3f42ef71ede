"""What enforced budgets mean for clusters: how long they may run, whether a new one starts, how far one is extended.

Whoever decides anew locks the budgets first and the cluster after that, always in this order.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.refusals import Refused
from jobs.context.cluster_plan import plan_of
from jobs.costs.amount_text import exact_text, money_text
from jobs.costs.budget_rows import name_of
from jobs.costs.budget_spending import spent_of, windows_of
from jobs.costs.budgets import (
    ENDING_RESERVE,
    ENDING_TIME,
    BudgetScope,
    Burner,
    excess,
    may_start,
    settled,
    used_up_at,
)
from jobs.costs.price_history import prices_of
from jobs.costs.rates import node_price_per_hour
from jobs.costs.spans import price_at
from jobs.lifetime import deadline, deadline_limits
from jobs.lifetime.deadline import DeadlineReason
from jobs.lifetime.refusal_reasons import LifetimeRefusal
from jobs.models import Budget, Charge, Cluster
from jobs.states import Observed

# These end within a minute, whatever their deadline: the command is over, or they are being removed.
_LEAVING = (Observed.EXECUTED, Observed.DRAINED, Observed.RELEASING)
_BEFORE_COMMAND = (Observed.ABSENT, Observed.BOOTING, Observed.READY)


def locked(budgets: QuerySet[Budget]) -> list[Budget]:
    """Lock these budgets until the transaction ends, and return them as they are then."""
    return list(budgets.select_for_update(of=("self",)))


def burners_of(budget: Budget, now: datetime, *, but: str = "") -> list[Burner]:
    """Return the clusters that use a budget now, without the one with the id `but`."""
    clusters = list(burning(budget).exclude(pk=but))
    rates = rates_of(clusters, budget.currency, now)
    return [Burner(rates[one.pk], burns_until(one, now)) for one in clusters]


def burning(budget: Budget) -> QuerySet[Cluster]:
    """Return the clusters of a budget that are at their provider, or are about to be ordered."""
    found = Cluster.objects.exclude(observed_state=Observed.RELEASED).exclude(
        observed_state=Observed.ABSENT, let_start_at=None
    )
    if budget.scope == BudgetScope.PERSON:
        found = found.filter(owner=budget.person_id)
    elif budget.scope == BudgetScope.PROJECT:
        found = found.filter(job__project_id=budget.project_id)
    return found.select_related("job__core_type")


def with_other_deadline(budget: Budget) -> list[str]:
    """Return the ids of those whose deadline is another one now that `used_up_at` is saved: the others sleep on."""
    concerned = Q(deadline_at=None) | Q(
        deadline_reason__in=(DeadlineReason.BUDGET, DeadlineReason.COLLECT_LIMIT)
    )
    if budget.used_up_at is not None:
        concerned |= Q(deadline_at__gt=budget.used_up_at - ENDING_RESERVE)
    return list(burning(budget).filter(concerned).order_by("pk").values_list("pk", flat=True))


def burns_until(cluster: Cluster, now: datetime) -> datetime:
    """Return until when at most the cluster burns if no budget ends it."""
    life = deadline_limits.life_of(cluster)
    if cluster.observed_state in _LEAVING or not life.is_wanted:
        return now + ENDING_TIME
    own = deadline.earliest_deadline(life, deadline_limits.policy())
    until = own.at if own is not None else now
    if cluster.observed_state in _BEFORE_COMMAND:
        began = cluster.booting_at or life.created_at
        until = min(until, began + settings.HEADNODE_BOOT_LIMIT + life.walltime)
    return max(until, now) + ENDING_TIME


def rates_of(clusters: Sequence[Cluster], currency: str, now: datetime) -> dict[str, Decimal]:
    """Return what each cluster costs per hour now in this currency; one whose nodes boot counts with all of them."""
    nodes: dict[str, list[tuple[str, int]]] = defaultdict(list)
    open_rows = Charge.objects.filter(cluster_id__in=[one.pk for one in clusters], is_open=True)
    for cluster_id, core_type, cores in open_rows.values_list("cluster_id", "core_type", "cores"):
        nodes[cluster_id].append((core_type, cores))
    for cluster in clusters:
        if cluster.observed_state in (Observed.ABSENT, Observed.BOOTING):
            nodes[cluster.pk] = [(member.core_type, member.cores) for member in plan_of(cluster).members]
    prices = prices_of({core_type for found in nodes.values() for core_type, _cores in found})
    rates: dict[str, Decimal] = {}
    for cluster in clusters:
        rates[cluster.pk] = Decimal()
        for core_type, cores in nodes[cluster.pk]:
            price = price_at(prices[core_type], now)
            if price.currency == currency:
                rates[cluster.pk] += node_price_per_hour(price.per_core_hour, cores)
    return rates


def used_up_of(budget: Budget, burners: Sequence[Burner], spent: Decimal, now: datetime) -> datetime | None:
    """Return when the budget will be used up; the moment that is saved if it is still that. None if not enforced."""
    found = used_up_at(windows_of(budget, spent, now), burners, now) if budget.enforced else None
    return settled(budget.used_up_at, found, now)


def save_used_up(budget: Budget, burners: Sequence[Burner], spent: Decimal, now: datetime) -> bool:
    """Save when the budget will be used up. Return whether that is another moment than before."""
    found = used_up_of(budget, burners, spent, now)
    if found == budget.used_up_at:
        return False
    budget.used_up_at = found
    budget.save(update_fields=["used_up_at"])
    return True


def budget_without_room(cluster: Cluster, budgets: Iterable[Budget], now: datetime) -> Budget | None:
    """Return the first budget in which there is no room for a cluster that is to start now."""
    return next((budget for budget in budgets if not with_room(budget, [cluster], now)), None)


def with_room(budget: Budget, waiting: Sequence[Cluster], now: datetime) -> list[Cluster]:
    """Return those of these clusters that could start now, each if none of the others does."""
    rates = rates_of(waiting, budget.currency, now)
    # What waits is not among those that burn.
    left, burners = windows_of(budget, spent_of(budget, now), now), burners_of(budget, now)
    found = []
    for cluster in waiting:
        until = now + settings.HEADNODE_BOOT_LIMIT + cluster.job.walltime + ENDING_TIME
        new = Burner(rates[cluster.pk], until)
        if not new.per_hour or may_start(left, burners, new, now):
            found.append(cluster)
    return found


def check_extension(cluster: Cluster, until: datetime, budgets: Iterable[Budget], *, field: str) -> None:
    """Raise Refused (`beyond_budget`, 409) if the cluster may not run until then, with the sum that is missing.

    Otherwise save when each budget will be used up.
    """
    now = timezone.now()
    for budget in budgets:
        spent = spent_of(budget, now)
        others = burners_of(budget, now, but=cluster.pk)
        own = Burner(rates_of([cluster], budget.currency, now)[cluster.pk], until + ENDING_TIME)
        if not own.per_hour:
            continue
        # What others may still burn after that is ended by their own deadlines.
        until_then = [Burner(other.per_hour, min(other.until, own.until)) for other in others]
        missing, _left = excess(windows_of(budget, spent, now), [*until_then, own], now)
        if missing > 0:
            raise Refused(
                LifetimeRefusal.BEYOND_BUDGET,
                _refusal(budget, until, missing, spent),
                field=field,
                status=409,
            )
        save_used_up(budget, [*others, own], spent, now)


def _refusal(budget: Budget, until: datetime, missing: Decimal, spent: Decimal) -> str:
    name, sum_text = name_of(budget), money_text(missing, budget.currency)
    facts = {"name": name, "until": deadline.moment(until), "missing": sum_text}
    text = _(
        "If this cluster runs until %(until)s, %(name)s is exceeded by %(missing)s: it is enforced, so the cluster "
        "cannot be extended that far."
    )
    if budget.scope == BudgetScope.SITE:  # what others have spent is not for everybody
        return text % facts
    left = _("Of %(amount)s, %(spent)s is spent.") % {
        "spent": money_text(spent, budget.currency),
        "amount": exact_text(budget.amount, budget.currency),
    }
    return f"{text % facts} {left}"


def wait_sentence(budget: Budget, now: datetime) -> str:
    """Return why a job waits."""
    name = {"name": name_of(budget)}
    if spent_of(budget, now) >= budget.amount:
        return _("Waiting: %(name)s is used up.") % name
    return _("Waiting: with this job, %(name)s would be used up within a minute.") % name

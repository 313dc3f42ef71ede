"""What a job would cost, what would refuse it, and whether there is room for it: told before it is submitted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from accounts.refusals import Refused, SeveralRefused
from accounts.services.projects import check_project_for_run
from jobs.costs import estimate, past_runs
from jobs.costs.budget_rows import applying_to, name_of
from jobs.costs.budget_spending import spent_of, windows_of
from jobs.costs.budgets import ENDING_TIME, BudgetScope, Burner, may_start
from jobs.costs.estimate import PricedSpan, Typical
from jobs.costs.past_runs import Likeness
from jobs.costs.price_history import is_simulated, portal_currency
from jobs.costs.rates import node_price_per_hour
from jobs.lifetime.budget_limits import burners_of
from jobs.models import CoreType
from jobs.providers import capacity
from jobs.submission import draft, job_actions
from jobs.submission.draft import JobDraft
from jobs.submission.job_project import project_of

# With one of these at fault it is not known what the cluster would be, or what would run on it.
_OF_CLUSTER = ("coreType", "coresPerSlot", "slots", "walltime")
_OF_SOFTWARE = ("code", "version", "jobanalyses")


@dataclass(frozen=True)
class Room:
    """The cores that the job needs, and how many of their type are free now."""

    core_type: str
    cores: int
    free: int

    @property
    def is_enough(self) -> bool:
        """Whether the cluster could start now."""
        return self.cores <= self.free


@dataclass(frozen=True)
class BudgetEffect:
    """What the job would do to a budget. `left`: what would be left of it after the walltime, None for the site's."""

    name: str
    currency: str
    is_enforced: bool
    would_wait: bool
    left: Decimal | None


@dataclass(frozen=True)
class JobEstimate:
    """The estimate of a job, in `currency`.

    `limits`: everything that would refuse it. Costs are None while it is not known what the cluster would be;
    `typical` without earlier runs like it, `room` if the provider does not say what is free.
    """

    currency: str
    is_simulated: bool
    limits: Sequence[Refused]
    rate_per_hour: Decimal | None = None
    walltime: PricedSpan | None = None
    typical: Typical | None = None
    room: Room | None = None
    budgets: Sequence[BudgetEffect] = ()


def estimate_job(owner: User, asked: JobDraft, *, needs_command: bool = True) -> JobEstimate:
    """Return the estimate of a job as the owner would submit it. Nothing is saved."""
    limits = _limits(owner, asked, needs_command=needs_command)
    fields = {problem.field for problem in limits}
    core_type = None if fields.intersection(_OF_CLUSTER) else CoreType.objects.get(code=asked.core_type)
    if core_type is None:
        return JobEstimate(portal_currency(), is_simulated(), limits)
    cores = asked.cores_per_slot * asked.slots
    rate = node_price_per_hour(core_type.price_per_core_hour, cores)
    walltime = draft.walltime_of(asked, job_actions.offer_of(core_type))
    durations = [] if fields.intersection(_OF_SOFTWARE) else _durations(owner, asked)
    free = capacity.free_cores(core_type.code)
    return JobEstimate(
        currency=core_type.currency,
        is_simulated=is_simulated(),
        limits=limits,
        rate_per_hour=rate,
        walltime=estimate.priced(walltime, rate),
        typical=estimate.typical(durations, rate),
        room=None if free is None else Room(core_type.name, cores, free),
        budgets=_budgets(owner, asked, core_type.currency, rate, walltime),
    )


def _budgets(
    owner: User, asked: JobDraft, currency: str, rate: Decimal, walltime: timedelta
) -> list[BudgetEffect]:
    """Return what the job would do to each budget in its currency that it would use."""
    try:
        project = project_of(owner, asked.project_id)
    except Refused:
        project = None
    now, effects = timezone.now(), []
    for budget in applying_to(owner.pk, project).filter(currency=currency):
        spent = spent_of(budget, now)
        new = Burner(rate, now + settings.HEADNODE_BOOT_LIMIT + walltime + ENDING_TIME)
        waits = (
            budget.enforced
            and rate > 0
            and not may_start(windows_of(budget, spent, now), burners_of(budget, now), new, now)
        )
        left = budget.amount - spent - estimate.priced(walltime, rate).cost
        is_site = budget.scope == BudgetScope.SITE  # what others have spent is not for everybody
        effects.append(
            BudgetEffect(name_of(budget), currency, budget.enforced, waits, None if is_site else left)
        )
    return effects


def _durations(owner: User, asked: JobDraft) -> Sequence[timedelta]:
    return past_runs.durations_of_runs_like(
        Likeness(
            owner_id=owner.pk,
            software=tuple(analysis.analysis_code for analysis in asked.analyses),
            core_type=asked.core_type,
            cores_per_slot=asked.cores_per_slot,
            slots=asked.slots,
            is_interactive=asked.is_interactive,
        )
    )


def _limits(owner: User, asked: JobDraft, *, needs_command: bool) -> list[Refused]:
    """Return why saving or submitting would be refused, by the checks that refuse it then."""
    checks: list[Callable[[], object]] = [
        lambda: job_actions.check_draft(asked, needs_command=needs_command),
        job_actions.check_people_are_apart,
        lambda: check_project_for_run(owner, project_of(owner, asked.project_id)),
    ]
    found: list[Refused] = []
    for check in checks:
        try:
            check()
        except SeveralRefused as refused:
            found += refused.problems
        except Refused as refused:
            found.append(refused)
    return found

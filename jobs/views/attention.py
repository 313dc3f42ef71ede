"""What on the front page needs the user's attention: each line says what, why, and offers one action."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.keys import validity
from accounts.models import Notification, SSHKey, User
from accounts.notifications import inbox
from accounts.notifications.kinds import NotificationKind
from jobs.access.job_visibility import visible_jobs
from jobs.costs.amount_text import money_text
from jobs.costs.job_cost import Cost, costs_of
from jobs.lifetime import deadline
from jobs.models import Cluster, Job
from jobs.states import ENDING, Desired, Outcome
from jobs.views.what_is_lost import what_ends

# How long a failure is shown that nobody looked at, and how near a deadline has to be.
FAILED_WITHIN = timedelta(days=7)
DEADLINE_WITHIN = timedelta(hours=1)
# Of each kind. The tab Failed and the page of keys have all of them.
MOST = 5
_CUT_OFF = (Outcome.WALLTIME, Outcome.DEADLINE)


@dataclass(frozen=True)
class AttentionLine:
    """One line.

    `sentence` says why, `at` since or until when. `output` is the last line of output of a job that failed. The action
    is a link or, with `loss`, a button that asks first.
    """

    icon: str
    is_bad: bool
    name: str
    link: str
    sentence: str
    action: str
    action_link: str
    at: datetime | None = None
    output: str = ""
    loss: str = ""


@dataclass(frozen=True)
class Attention:
    """All lines; `has_more_failures` if only the newest failures are among them."""

    lines: list[AttentionLine]
    has_more_failures: bool


def attention_of(user: User) -> Attention:
    """Return what needs this user's attention, the most urgent first. The same few queries for any number of jobs."""
    failures = list(_failures(user))
    lines = [
        *_deadlines_and_kept_heads(user),
        *failures[:MOST],
        *(_expiring_key(key) for key in validity.expiring_keys(user)[:MOST]),
    ]
    return Attention(lines, len(failures) > MOST)


def _failures(user: User) -> Iterator[AttentionLine]:
    """Jobs that failed lately, and whose page and notification the user has not opened since."""
    is_cut_off = Q(kind=NotificationKind.JOB_ENDED, facts__outcome__in=[str(outcome) for outcome in _CUT_OFF])
    told = list(
        inbox.unread_of(user)
        .filter(Q(kind=NotificationKind.JOB_FAILED) | is_cut_off, at__gt=timezone.now() - FAILED_WITHIN)
        .defer("text")[: MOST + 1]
    )
    # A job may have been deleted since, or may not be the user's to see any more.
    jobs = visible_jobs(user).order_by().in_bulk([row.facts["job"] for row in told if "job" in row.facts])
    for row in told:
        job = jobs.get(row.facts.get("job"))
        if job is not None:
            yield _failure(job, row)


def _failure(job: Job, row: Notification) -> AttentionLine:
    page = reverse("job_page", args=[job.pk])
    return AttentionLine(
        icon="error",
        is_bad=True,
        name=job.name,
        link=page,
        sentence=f"{job.outcome_reason.rstrip('.') or _('The job failed')}.",
        at=row.at,
        output=_last_line(row.facts),
        action=_("Open the log"),
        action_link=f"{page}#job-log",
    )


def _last_line(facts: dict[str, Any]) -> str:
    """Return the last line that the command printed; empty without one."""
    lines = facts.get("lastLines")
    return str(lines[-1]).strip() if lines else ""


def _deadlines_and_kept_heads(user: User) -> Iterator[AttentionLine]:
    now = timezone.now()
    is_ending = Q(deadline_at__gt=now, deadline_at__lte=now + DEADLINE_WITHIN)
    # A cluster that is gone is never checked again: an index has the others of each owner.
    clusters = list(
        Cluster.objects.filter(owner=user, next_check_at__isnull=False, desired_state=Desired.RUNNING)
        .filter(is_ending | Q(job__completed_at__isnull=False))
        .exclude(observed_state__in=ENDING)
        .select_related("job__core_type")
        .defer("plan")
        .order_by("deadline_at", "-created_at")[: 2 * MOST]
    )
    kept = [cluster.job for cluster in clusters if cluster.job.completed_at is not None]
    costs = costs_of(kept) if kept else {}
    for cluster in clusters:
        cost = costs.get(cluster.job_id)
        at = cluster.deadline_at
        if at is not None and _is_near(cluster, at, now):
            yield _near_deadline(cluster, at)
        elif cost is not None and cost.is_live:
            yield _kept_head(cluster.job, cost)


def _is_near(cluster: Cluster, at: datetime, now: datetime) -> bool:
    """Whether the deadline is near: not yet in the first half of a short run, where it is as its owner asked.

    An idle limit begins with the last activity.
    """
    is_idle = cluster.deadline_reason == deadline.DeadlineReason.IDLE
    began = (cluster.active_at if is_idle else None) or cluster.executing_at or cluster.created_at
    return timedelta() < at - now <= min(DEADLINE_WITHIN, (at - began) / 2)


def _near_deadline(cluster: Cluster, at: datetime) -> AttentionLine:
    why = deadline.sentence_of(cluster.deadline_reason)
    return AttentionLine(
        icon="clock",
        is_bad=False,
        name=cluster.job.name,
        link=reverse("job_page", args=[cluster.job_id]),
        sentence=_("Ends soon. %(why)s") % {"why": _(why)} if why else _("Ends soon."),
        at=at,
        action=_("Extend"),
        action_link=reverse("job_extend", args=[cluster.job_id]),
    )


def _kept_head(job: Job, cost: Cost) -> AttentionLine:
    rate = money_text(cost.rate_per_hour, cost.currency)
    return AttentionLine(
        icon="coins",
        is_bad=False,
        name=job.name,
        link=reverse("job_page", args=[job.pk]),
        sentence=_("Head node still running: %(rate)s per hour.") % {"rate": rate},
        at=job.completed_at,
        action=_("Terminate"),
        action_link=reverse("job_terminate", args=[job.pk]),
        loss=what_ends(job),
    )


def _expiring_key(key: SSHKey) -> AttentionLine:
    keys = f"{reverse('job_settings')}#keys"
    return AttentionLine(
        icon="key",
        is_bad=False,
        name=key.name,
        link=keys,
        sentence=_("This SSH key expires soon."),
        at=key.expires_at,
        action=_("Extend or replace it"),
        action_link=keys,
    )

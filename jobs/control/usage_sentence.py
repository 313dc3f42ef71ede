"""Say in a sentence what a job that has ended used: how long it ran, and what it cost."""

from datetime import timedelta

from django.utils.translation import gettext as _

from jobs.costs.amount_text import money_text
from jobs.costs.job_cost import cost_of
from jobs.durations import duration_text
from jobs.models import Cluster, Job


def usage_sentence(job: Job) -> str:
    """Return `It ran for 2 h 5 min and cost USD 1.25.`; what is not known, or nothing, is left out."""
    cost = cost_of(job)
    facts = {
        "duration": duration_text(ran) if (ran := _ran_for(job)) is not None else "",
        "cost": money_text(cost.accrued, cost.currency) if cost.accrued else "",
    }
    if facts["duration"] and facts["cost"]:
        return _("It ran for %(duration)s and cost %(cost)s.") % facts
    if facts["duration"]:
        return _("It ran for %(duration)s.") % facts
    return _("It cost %(cost)s.") % facts if facts["cost"] else ""


def _ran_for(job: Job) -> timedelta | None:
    """Return how long the command ran, or the cluster was its owner's; None if it never came to that."""
    cluster = Cluster.objects.filter(job=job).only("executing_at", "executed_at").first()
    end = (cluster.executed_at or job.completed_at) if cluster else None
    return end - cluster.executing_at if cluster and cluster.executing_at and end else None

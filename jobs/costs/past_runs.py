"""Find how long earlier jobs took that are like one that is about to be submitted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef

from jobs.models import FollowingAnalysis, Job
from jobs.states import Outcome

# Older runs say less about the next one.
MOST_RUNS = 50


@dataclass(frozen=True)
class Likeness:
    """What jobs have in common that are alike. `software`: the codes of their analyses in order, at least one."""

    owner_id: int
    software: tuple[str, ...]
    core_type: str
    cores_per_slot: int
    slots: int
    is_interactive: bool = False


def durations_of_runs_like(wanted: Likeness) -> Sequence[timedelta]:
    """Return how long the commands of the owner's last MOST_RUNS jobs like this took that succeeded. One query.

    Clusters of a definition are left out, whose nodes may differ, and those without a command, which last as long as
    they were reserved.
    """
    alike = Job.objects.filter(
        owner=wanted.owner_id,
        analysis_code=wanted.software[0],
        core_type=wanted.core_type,
        cores_per_slot=wanted.cores_per_slot,
        slots=wanted.slots,
        outcome=Outcome.SUCCEEDED,
        is_interactive=wanted.is_interactive,
        cluster__executing_at__isnull=False,
        cluster__executed_at__isnull=False,
        cluster__definition__isnull=True,
    ).exclude(command="")
    following = FollowingAnalysis.objects.filter(job=OuterRef("pk"))
    for position, code in enumerate(wanted.software[1:], start=1):
        alike = alike.filter(Exists(following.filter(position=position, analysis_code=code)))
    alike = alike.exclude(Exists(following.filter(position=len(wanted.software))))
    newest = alike.order_by("-created_at").values_list("cluster__executing_at", "cluster__executed_at")
    return [ended - began for began, ended in newest[:MOST_RUNS] if began and ended]

"""Two jobs are started at once, and the budget has room for one: the other waits, on PostgreSQL too."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.audit.trail import SYSTEM
from accounts.models import User
from jobs.control import budget_start, claim
from jobs.costs.budget_actions import NewBudget, add_budget
from jobs.models import Cluster, CoreType
from tests.interleaving import Rival, before_query
from tests.jobs.making import submitted_job


def start(cluster_id: str) -> None:
    """What the loop does for a cluster that is not ordered."""
    Cluster.objects.filter(pk=cluster_id).update(next_check_at=timezone.now())
    cluster = claim.acquire(cluster_id)
    assert cluster is not None
    budget_start.let_start(cluster)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_one_starts_and_the_other_waits(alice: User) -> None:
    """The rival begins when this thread has found room, before it has noted that its cluster starts."""
    CoreType.objects.filter(pk="emerald").update(price_per_core_hour=36)  # a cent a second
    add_budget(SYSTEM, NewBudget("person", "alice", Decimal(1), "once", enforced=True))
    first, second = submitted_job(alice).cluster, submitted_job(alice).cluster
    rival = Rival(lambda: start(second.pk))
    with before_query(
        lambda sql: sql.startswith('UPDATE "jobs_cluster"') and "let_start_at" in sql, rival.start
    ) as happened:
        start(first.pk)
    rival.finish()
    assert happened
    rows = Cluster.objects.filter(let_start_at__isnull=False)
    assert [row.pk for row in rows] == [first.pk]
    assert Cluster.objects.get(waits_for_budget__isnull=False).pk == second.pk

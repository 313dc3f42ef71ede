"""Cluster rows that tests make keep what the loop's own rows keep, here and in `tests.jobs.loop_promises`."""

import pytest

from accounts.models import User
from jobs.models import Cluster
from jobs.states import Observed
from jobs.tasks import due_clusters
from tests.factories import ClusterFactory
from tests.jobs.cluster_rows import check_row
from tests.jobs.isolated_portal import IsolatedPortal
from tests.jobs.making import cluster_of
from tests.jobs.one_job import LoopOfOneJob

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("observed", Observed)
def test_rows_of_the_factory(observed: Observed) -> None:
    cluster = ClusterFactory(observed_state=observed)
    check_row(Cluster.objects.get(pk=cluster.pk))
    assert list(due_clusters()) == []


@pytest.mark.parametrize("observed", Observed)
def test_rows_of_a_submitted_job(alice: User, observed: Observed) -> None:
    cluster, _ = cluster_of(alice, observed)
    check_row(Cluster.objects.get(pk=cluster.pk))


def test_rows_of_the_loop(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for cluster in LoopOfOneJob(IsolatedPortal(monkeypatch), alice).life():
        check_row(cluster)
        seen.add(cluster.observed_state)
    assert seen >= {"absent", "booting", "executing", "releasing", "released"}

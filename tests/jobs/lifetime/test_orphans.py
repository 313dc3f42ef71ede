"""Orphaned clusters: found only when they are ours and old enough, listed for administrators, removed."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, User
from jobs import tasks
from jobs.events import history
from jobs.lifetime import orphans
from jobs.models import Cluster, OrphanCluster
from jobs.providers import portal_id, registry
from jobs.providers.base import BillableNode, ListedCluster, ProviderBusy, State
from jobs.states import Observed
from tests.api import client_of
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.django_db
OLD, YOUNG = timedelta(hours=2), timedelta(seconds=30)


class CloudWithOrphans(ProviderWhoseNodesNeverReport):
    """Lists the clusters that were added to it."""

    def __init__(self) -> None:
        super().__init__()
        self.has: list[ListedCluster] = []
        self.asked: list[str] = []
        self.is_away = False

    def add(self, cluster_id: str, age: timedelta = OLD, portal: str = "") -> None:
        nodes = [
            BillableNode("head", "emerald", 2, "running"),
            BillableNode("compute-1", "emerald", 2, "stopped"),
        ]
        ordered = timezone.now() - age
        self.has.append(
            ListedCluster(cluster_id, portal or portal_id.own_portal_id(), {"id": cluster_id}, ordered, nodes)
        )

    def list(self) -> Sequence[ListedCluster]:
        if self.is_away:
            raise ProviderBusy("provider_unreachable", "The cloud does not answer.")
        return self.has

    def release(self, state: State, message: str) -> None:
        self.asked.append(state["id"])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> CloudWithOrphans:
    found = CloudWithOrphans()
    monkeypatch.setattr(orphans, "_request_search", lambda: None)
    return found


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org", "correct horse battery")


def released(owner: User, since: timedelta = OLD) -> Cluster:
    cluster, _ = cluster_of(owner, Observed.RELEASED)
    Cluster.objects.filter(pk=cluster.pk).update(released_at=timezone.now() - since)
    return cluster


def listed(cloud: CloudWithOrphans) -> dict[str, str]:
    orphans.find_orphans("simulated", cloud)
    return dict(OrphanCluster.objects.filter(gone_at=None).values_list("cluster_id", "kind"))


def test_what_the_portal_does_not_know_and_what_it_holds_for_stopped(
    cloud: CloudWithOrphans, alice: User
) -> None:
    stopped = released(alice)
    cloud.add("Nobody")
    cloud.add(stopped.pk)
    assert listed(cloud) == {"Nobody": "no_row", stopped.pk: "row_stopped"}
    row = OrphanCluster.objects.get(cluster_id=stopped.pk)
    assert (row.job_id, row.owner_name) == (stopped.job_id, "alice")
    assert [node["name"] for node in row.nodes] == ["head", "compute-1"]
    price = stopped.job.core_type.price_per_core_hour
    assert row.cost_per_hour == 2 * price  # the stopped node costs nothing
    assert "still has nodes of this cluster" in stopped.job.events.latest("sequence").message
    assert listed(cloud) == {"Nobody": "no_row", stopped.pk: "row_stopped"}
    assert OrphanCluster.objects.count() == 2


@pytest.mark.parametrize(
    "observed", [o for o in Observed if o not in (Observed.RELEASING, Observed.RELEASED)]
)
def test_a_cluster_that_somebody_has_is_left_alone(
    cloud: CloudWithOrphans, alice: User, observed: Observed
) -> None:
    cluster, _ = cluster_of(alice, observed)
    cloud.add(cluster.pk)
    assert listed(cloud) == {}
    assert cloud.asked == []


def test_another_portals_clusters_are_neither_shown_nor_touched(
    cloud: CloudWithOrphans, root: User, settings: Settings
) -> None:
    settings.HEADNODE_LEFTOVER_GRACE = timedelta()
    cloud.add("Theirs", portal="another-portal")
    assert listed(cloud) == {}
    assert listed(cloud) == {}
    assert cloud.asked == []


def test_what_is_too_young_to_tell_is_not_listed(cloud: CloudWithOrphans, alice: User) -> None:
    cloud.add("Nobody", YOUNG)
    cloud.add(released(alice, YOUNG).pk)
    assert listed(cloud) == {}


def test_what_takes_long_to_end_is_listed_and_left_to_the_loop(
    cloud: CloudWithOrphans, alice: User, root: User, settings: Settings
) -> None:
    settings.HEADNODE_LEFTOVER_GRACE = timedelta()
    cluster, _ = cluster_of(alice, Observed.RELEASING)
    cloud.add(cluster.pk)
    history.record_cluster_status(cluster)
    assert listed(cloud) == {}
    cluster.statuses.update(at=timezone.now() - OLD)
    assert listed(cloud) == {cluster.pk: "still_stopping"}
    assert cloud.asked == []
    row = OrphanCluster.objects.get()
    answer = client_of(root).delete(f"/api/v2/leftovers/{row.pk}/")
    assert (answer.status_code, answer.json()["reason"]) == (409, "already_stopping")


def test_after_its_grace_it_is_removed_and_leaves_the_list(
    cloud: CloudWithOrphans, settings: Settings
) -> None:
    cloud.add("Nobody")
    listed(cloud)
    assert cloud.asked == []
    OrphanCluster.objects.update(remove_at=timezone.now())
    listed(cloud)
    listed(cloud)
    assert cloud.asked == ["Nobody", "Nobody"]  # until it is gone: a cloud may forget
    assert AuditEvent.objects.filter(action="jobs:leftover:removal_asked", actor_name="headnode").count() == 1
    cloud.has.clear()
    assert listed(cloud) == {}
    assert AuditEvent.objects.filter(action="jobs:leftover:removed").count() == 1
    assert OrphanCluster.objects.get().gone_at is not None


def test_an_administrator_has_it_removed_at_once(cloud: CloudWithOrphans, root: User) -> None:
    cloud.add("Nobody")
    listed(cloud)
    api = client_of(root)
    [row] = api.get("/api/v2/leftovers/").json()["results"]
    assert (row["clusterId"], row["kind"], row["removalAskedAt"]) == ("Nobody", "no_row", None)
    for _ in range(2):
        answer = api.delete(f"/api/v2/leftovers/{row['id']}/")
        assert (answer.status_code, answer.json()["removalAskedBy"]) == (202, "root")
    listed(cloud)
    assert cloud.asked == ["Nobody"]
    assert AuditEvent.objects.filter(action="jobs:leftover:removal_asked", actor=root).count() == 1


def test_what_became_somebodys_again_is_never_removed(cloud: CloudWithOrphans, alice: User) -> None:
    """As after a database was restored, and restored again to the newer state."""
    cluster, _ = cluster_of(alice, Observed.EXECUTING)
    cloud.add(cluster.pk)
    OrphanCluster.objects.create(
        provider="simulated",
        cluster_id=cluster.pk,
        provider_state={"id": cluster.pk},
        kind="no_row",
        ordered_at=timezone.now(),
        removal_asked_at=timezone.now(),
    )
    assert listed(cloud) == {}
    assert cloud.asked == []


def test_a_cloud_that_is_away_changes_nothing(
    cloud: CloudWithOrphans, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(registry, "provider_named", lambda name: cloud)
    cloud.add("Nobody")
    tasks.find_orphans()
    cloud.is_away = True
    tasks.find_orphans()
    assert "simulated was not searched for orphaned clusters" in caplog.text
    assert OrphanCluster.objects.get().gone_at is None


def test_only_administrators(cloud: CloudWithOrphans, alice: User) -> None:
    cloud.add("Nobody")
    listed(cloud)
    row = OrphanCluster.objects.get()
    for answer in (
        client_of(alice).get("/api/v2/leftovers/"),
        client_of(alice).get(f"/api/v2/leftovers/{row.pk}/"),
        client_of(alice).delete(f"/api/v2/leftovers/{row.pk}/"),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (403, "not_administrator")
    page = Client()
    page.force_login(alice)
    assert page.get("/administration/leftovers/").status_code == 403
    assert page.post(f"/administration/leftovers/{row.pk}/remove/").status_code == 403
    assert "Orphaned clusters" not in page.get("/").content.decode()


def test_the_page_of_administrators(cloud: CloudWithOrphans, root: User) -> None:
    page = Client()
    page.force_login(root)
    assert "No orphaned clusters" in page.get("/administration/leftovers/").content.decode()
    assert "Orphaned clusters" in page.get("/").content.decode()
    cloud.add("Nobody")
    listed(cloud)
    row = OrphanCluster.objects.get()
    shown = page.get("/administration/leftovers/").content.decode()
    assert "Nobody" in shown
    assert "unknown here" in shown
    assert "compute-1 (emerald, 2, stopped)" in shown
    asks = page.post(f"/administration/leftovers/{row.pk}/remove/").content.decode()
    assert "whatever is on them is lost" in asks
    done = page.post(f"/administration/leftovers/{row.pk}/remove/", {"confirmed": "1"}, follow=True)
    assert "Cluster Nobody is being terminated." in done.content.decode()
    assert "Being terminated, requested by root" in done.content.decode()

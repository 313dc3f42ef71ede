"""Clusters nobody wants: found only when they are ours and old enough, listed for administrators, removed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from jobs import tasks
from jobs.events import history
from jobs.lifetime import orphans
from jobs.models import Cluster, Leftover
from jobs.providers import portal_id
from jobs.providers.base import ClusterSighting, NodeHolding, ProviderBusy, State
from jobs.states import Observed
from tests.api import client_of
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.making import cluster_of

pytestmark = pytest.mark.django_db
OLD, YOUNG = timedelta(hours=2), timedelta(seconds=30)


class CloudWithLeftovers(ProviderWhoseNodesNeverReport):
    """Has whatever it is told to have."""

    def __init__(self) -> None:
        super().__init__()
        self.has: list[ClusterSighting] = []
        self.asked: list[str] = []
        self.is_away = False

    def add(self, cluster_id: str, age: timedelta = OLD, of: str = "") -> None:
        nodes = [
            NodeHolding("head", "emerald", 2, "running"),
            NodeHolding("compute-1", "emerald", 2, "stopped"),
        ]
        ordered = timezone.now() - age
        self.has.append(
            ClusterSighting(cluster_id, of or portal_id.own_portal_id(), {"id": cluster_id}, ordered, nodes)
        )

    def list(self) -> Sequence[ClusterSighting]:
        if self.is_away:
            raise ProviderBusy("provider_unreachable", "The cloud does not answer.")
        return self.has

    def release(self, state: State, message: str) -> None:
        self.asked.append(state["id"])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> CloudWithLeftovers:
    found = CloudWithLeftovers()
    monkeypatch.setattr(orphans, "provider_named", lambda name: found)
    monkeypatch.setattr(orphans, "_ring", lambda: None)
    return found


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org", "correct horse battery")


def released(owner: User, since: timedelta = OLD) -> Cluster:
    cluster, _ = cluster_of(owner, Observed.RELEASED)
    Cluster.objects.filter(pk=cluster.pk).update(released_at=timezone.now() - since)
    return cluster


def listed() -> dict[str, str]:
    tasks.look_for_leftovers()
    return dict(Leftover.objects.filter(gone_at=None).values_list("cluster_id", "kind"))


def test_what_the_portal_does_not_know_and_what_it_holds_for_stopped(
    cloud: CloudWithLeftovers, alice: User
) -> None:
    stopped = released(alice)
    cloud.add("Nobody")
    cloud.add(stopped.pk)
    assert listed() == {"Nobody": "no_row", stopped.pk: "row_stopped"}
    row = Leftover.objects.get(cluster_id=stopped.pk)
    assert (row.job_id, row.owner_name) == (stopped.job_id, "alice")
    assert [node["name"] for node in row.nodes] == ["head", "compute-1"]
    price = stopped.job.core_type.price_per_core_hour
    assert row.cost_per_hour == 2 * price  # the stopped node costs nothing
    assert "still has nodes of this cluster" in stopped.job.events.last().message
    assert listed() == {"Nobody": "no_row", stopped.pk: "row_stopped"}
    assert Leftover.objects.count() == 2


@pytest.mark.parametrize(
    "observed", [o for o in Observed if o not in (Observed.RELEASING, Observed.RELEASED)]
)
def test_a_cluster_that_somebody_has_is_left_alone(
    cloud: CloudWithLeftovers, alice: User, observed: Observed
) -> None:
    cluster, _ = cluster_of(alice, observed)
    cloud.add(cluster.pk)
    assert listed() == {}
    assert cloud.asked == []


def test_another_portals_clusters_are_neither_shown_nor_touched(
    cloud: CloudWithLeftovers, root: User, settings: Any
) -> None:
    settings.HEADNODE_LEFTOVER_GRACE = timedelta()
    cloud.add("Theirs", of="another-portal")
    assert listed() == {}
    assert listed() == {}
    assert cloud.asked == []


def test_the_mark_is_the_portals_own_and_stays(settings: Any) -> None:
    assert portal_id.own_portal_id() == portal_id.own_portal_id()
    assert len(portal_id.own_portal_id()) == 24
    settings.HEADNODE_PORTAL_ID = "staging"
    assert portal_id.own_portal_id() == "staging"


def test_what_is_too_young_to_tell_is_not_listed(cloud: CloudWithLeftovers, alice: User) -> None:
    cloud.add("Nobody", YOUNG)
    cloud.add(released(alice, YOUNG).pk)
    assert listed() == {}


def test_what_takes_long_to_end_is_listed_and_left_to_the_loop(
    cloud: CloudWithLeftovers, alice: User, root: User, settings: Any
) -> None:
    settings.HEADNODE_LEFTOVER_GRACE = timedelta()
    cluster, _ = cluster_of(alice, Observed.RELEASING)
    cloud.add(cluster.pk)
    history.cluster_status(cluster)
    assert listed() == {}
    cluster.statuses.update(at=timezone.now() - OLD)
    assert listed() == {cluster.pk: "still_stopping"}
    assert cloud.asked == []
    row = Leftover.objects.get()
    answer = client_of(root).delete(f"/api/v2/leftovers/{row.pk}/")
    assert (answer.status_code, answer.json()["reason"]) == (409, "already_stopping")


def test_after_its_grace_it_is_removed_and_leaves_the_list(cloud: CloudWithLeftovers, settings: Any) -> None:
    cloud.add("Nobody")
    listed()
    assert cloud.asked == []
    Leftover.objects.update(remove_at=timezone.now())
    listed()
    listed()
    assert cloud.asked == ["Nobody", "Nobody"]  # until it is gone: a cloud may forget
    assert AuditEvent.objects.filter(action="jobs:leftover:removal_asked", actor_name="headnode").count() == 1
    cloud.has.clear()
    assert listed() == {}
    assert AuditEvent.objects.filter(action="jobs:leftover:removed").count() == 1
    assert Leftover.objects.get().gone_at is not None


def test_an_administrator_has_it_removed_at_once(cloud: CloudWithLeftovers, root: User) -> None:
    cloud.add("Nobody")
    listed()
    api = client_of(root)
    [row] = api.get("/api/v2/leftovers/").json()["results"]
    assert (row["clusterId"], row["kind"], row["removalAskedAt"]) == ("Nobody", "no_row", None)
    for _ in range(2):
        answer = api.delete(f"/api/v2/leftovers/{row['id']}/")
        assert (answer.status_code, answer.json()["removalAskedBy"]) == (202, "root")
    listed()
    assert cloud.asked == ["Nobody"]
    assert AuditEvent.objects.filter(action="jobs:leftover:removal_asked", actor=root).count() == 1


def test_what_became_somebodys_again_is_never_removed(cloud: CloudWithLeftovers, alice: User) -> None:
    """A database that was put back, and forward again."""
    cluster, _ = cluster_of(alice, Observed.EXECUTING)
    cloud.add(cluster.pk)
    Leftover.objects.create(
        provider="simulated",
        cluster_id=cluster.pk,
        provider_state={"id": cluster.pk},
        kind="no_row",
        ordered_at=timezone.now(),
        removal_asked_at=timezone.now(),
    )
    assert listed() == {}
    assert cloud.asked == []


def test_a_cloud_that_is_away_changes_nothing(cloud: CloudWithLeftovers) -> None:
    cloud.add("Nobody")
    listed()
    cloud.is_away = True
    assert listed() == {"Nobody": "no_row"}


def test_only_administrators(cloud: CloudWithLeftovers, alice: User) -> None:
    cloud.add("Nobody")
    listed()
    row = Leftover.objects.get()
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
    assert "Leftover clusters" not in page.get("/").content.decode()


def test_the_page_of_administrators(cloud: CloudWithLeftovers, root: User) -> None:
    page = Client()
    page.force_login(root)
    assert "Nothing is left over" in page.get("/administration/leftovers/").content.decode()
    assert "Leftover clusters" in page.get("/").content.decode()
    cloud.add("Nobody")
    listed()
    row = Leftover.objects.get()
    shown = page.get("/administration/leftovers/").content.decode()
    assert "Nobody" in shown
    assert "unknown here" in shown
    assert "compute-1 (emerald, 2, stopped)" in shown
    asks = page.post(f"/administration/leftovers/{row.pk}/remove/").content.decode()
    assert "whatever is on them is lost" in asks
    done = page.post(f"/administration/leftovers/{row.pk}/remove/", {"confirmed": "1"}, follow=True)
    assert "Cluster Nobody is being removed." in done.content.decode()
    assert "Being removed, asked for by root" in done.content.decode()

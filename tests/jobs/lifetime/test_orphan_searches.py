"""A provider's list that cannot be read is never silent: /readyz and the administrators' page say so, since when."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from jobs import tasks
from jobs.control import heartbeat
from jobs.lifetime import orphans
from jobs.models import OrphanCluster, OrphanSearch
from jobs.providers import portal_id, registry
from jobs.providers.base import BillableNode, ListedCluster, ProviderBusy, State, UnreadableList
from tests.fakes.providers import ProviderWhoseNodesNeverReport

pytestmark = pytest.mark.django_db
PAGE = "/administration/leftovers/"


class CloudWithAnUnreadableList(ProviderWhoseNodesNeverReport):
    """Has one orphan; raises `error` when it is asked for its list."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.asked: list[str] = []
        self.has = [listed("Orphan1")]

    def list(self) -> Sequence[ListedCluster]:
        if self.error is not None:
            raise self.error
        return self.has

    def release(self, state: State, message: str) -> None:
        self.asked.append(state["id"])


def listed(cluster_id: str) -> ListedCluster:
    nodes = [BillableNode("head", "emerald", 2, "running")]
    ordered = timezone.now() - timedelta(hours=2)
    return ListedCluster(cluster_id, portal_id.own_portal_id(), {"id": cluster_id}, ordered, nodes)


@pytest.fixture
def cloud(db: None, monkeypatch: pytest.MonkeyPatch) -> CloudWithAnUnreadableList:
    found = CloudWithAnUnreadableList()
    monkeypatch.setattr(registry, "provider_named", lambda name: found)
    monkeypatch.setattr(orphans, "_request_search", lambda: None)
    return found


@pytest.fixture
def page(db: None) -> Client:
    root = User.objects.create_superuser("root", "root@example.org", "correct horse battery")
    client = Client()
    client.force_login(root)
    return client


def readiness() -> tuple[int, dict[str, bool]]:
    heartbeat.beat()
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()


def text_of(page: Client) -> str:
    return " ".join(page.get(PAGE).content.decode().split())


def failing_since() -> datetime:
    since = OrphanSearch.objects.get(provider="simulated").failing_since
    assert since is not None
    return since


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UnreadableList("Two clusters cannot be read.", []), "Two clusters cannot be read."),
        (ProviderBusy("provider_unreachable", "The cloud does not answer."), "The cloud does not answer."),
        (KeyError("cores"), "The search broke on an error of the portal; its log has the details."),
    ],
)
def test_while_the_list_cannot_be_read_readiness_and_the_page_say_so(
    cloud: CloudWithAnUnreadableList, page: Client, error: Exception, sentence: str
) -> None:
    tasks.find_orphans()
    assert readiness() == (
        200,
        {"ready": True, "database": True, "redis": True, "worker": True, "provider_lists": True},
    )
    assert "cannot be read" not in text_of(page)
    cloud.error = error
    tasks.find_orphans()
    status, body = readiness()
    assert (status, body["ready"], body["provider_lists"]) == (200, True, False)
    shown = text_of(page)
    since = failing_since()
    assert (
        f'The list of clusters at simulated cannot be read since <time datetime="{since.isoformat()}"'
        in shown
    )
    assert sentence in shown
    cloud.error = None
    tasks.find_orphans()
    assert readiness()[1]["provider_lists"] is True
    assert "cannot be read" not in text_of(page)


def test_with_no_list_the_page_does_not_say_that_all_is_well(
    cloud: CloudWithAnUnreadableList, page: Client
) -> None:
    cloud.error = ProviderBusy("provider_unreachable", "The cloud does not answer.")
    tasks.find_orphans()
    assert "No orphaned clusters" not in text_of(page)


def test_the_time_is_that_of_the_first_failure_in_a_row(cloud: CloudWithAnUnreadableList) -> None:
    cloud.error = KeyError("cores")
    tasks.find_orphans()
    OrphanSearch.objects.update(failing_since=timezone.now() - timedelta(hours=3))
    first = failing_since()
    cloud.error = ProviderBusy("provider_unreachable", "Now it does not answer.")
    tasks.find_orphans()
    assert failing_since() == first
    assert OrphanSearch.objects.get().problem == "Now it does not answer."
    cloud.error = None
    tasks.find_orphans()
    cloud.error = KeyError("cores")
    tasks.find_orphans()
    assert failing_since() > first


def test_what_can_be_read_is_removed_and_nothing_is_taken_for_gone(cloud: CloudWithAnUnreadableList) -> None:
    tasks.find_orphans()
    OrphanCluster.objects.update(removal_asked_at=timezone.now())
    cloud.error = UnreadableList("Orphan1 cannot be read.", [listed("Orphan2")])
    tasks.find_orphans()
    still = OrphanCluster.objects.filter(gone_at=None).values_list("cluster_id", flat=True)
    assert set(still) == {"Orphan1", "Orphan2"}
    assert cloud.asked == ["Orphan1"]
    assert not AuditEvent.objects.filter(action="jobs:leftover:removed").exists()

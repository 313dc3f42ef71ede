"""On the whole portal: a cluster whose job is gone from the database is found and terminated, not paid for for ever."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.acceptance.people import Person, with_token
from tests.stack import Stack, running
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance

EVERY_SECONDS, AGE_SECONDS = 1, 2
# Age, two searches (one finds, a later one sees it gone), and the time the nodes take to shut down, several times over.
LIMIT = 120.0


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal that searches every second and terminates what it finds at once."""
    settings = {
        "HEADNODE_LEFTOVER_EVERY_SECONDS": str(EVERY_SECONDS),
        "HEADNODE_LEFTOVER_AGE_SECONDS": str(AGE_SECONDS),
        "HEADNODE_LEFTOVER_GRACE_MINUTES": "0",
    }
    with running(tmp_path_factory.mktemp("orphans"), **settings) as found:
        yield found


@pytest.fixture
def admin(portal: Stack) -> Person:
    return with_token(portal)


def clusters_of(cloud: httpx.Client) -> set[str]:
    """The ids of the clusters that the cloud has."""
    return {cluster["id"] for cluster in cloud.get("/v1/clusters").json()["clusters"]}


def audited(portal: Stack, cluster_id: str) -> set[str]:
    """What the audit trail says of this orphan."""
    code = (
        "from accounts.models import AuditEvent; print(*AuditEvent.objects.filter("
        f"object_type='leftover', after__name='{cluster_id}').values_list('action', flat=True))"
    )
    return set(portal.manage("shell", "-v", "0", "-c", code).split())


def running_job(admin: Person, cloud: httpx.Client, name: str) -> tuple[str, str]:
    """Return the ids of a job that runs and of its cluster."""
    before = clusters_of(cloud)
    job = admin.submit("sleep 600", name=name)
    admin.wait_for_message(job, "Launched the command")
    [cluster_id] = clusters_of(cloud) - before
    return job, cluster_id


def test_a_cluster_whose_rows_were_deleted_is_terminated_and_others_are_not(
    portal: Stack, admin: Person, cloud: httpx.Client
) -> None:
    lost, orphan = running_job(admin, cloud, "lost")
    kept, needed = running_job(admin, cloud, "kept")
    portal.manage("shell", "-c", f"from jobs.models import Job; Job.objects.get(pk='{lost}').delete()")
    assert admin.call("GET", f"/api/v2/jobs/{lost}/")[0] == 404
    wait_for(lambda: clusters_of(cloud) == {needed}, "the orphan is gone from the cloud", LIMIT, every=0.2)
    told = {"jobs:leftover:removal_asked", "jobs:leftover:removed"}
    wait_for(lambda: audited(portal, orphan) == told, "its removal is in the audit trail", LIMIT)
    assert admin.get("/api/v2/leftovers/")["results"] == []
    assert audited(portal, needed) == set()
    assert admin.call("POST", f"/api/v2/jobs/{kept}/stop/")[0] == 202
    admin.wait_for_cluster(kept, "Stopped")


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as a backup program does, also over one that is in use."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target, timeout=60)) as written:
        read.backup(written)


def test_a_cluster_ordered_after_the_backup_that_was_restored_is_terminated(
    portal: Stack, admin: Person, cloud: httpx.Client, tmp_path: Path
) -> None:
    database, backup = portal.var / "db.sqlite3", tmp_path / "backup.sqlite3"
    kept, needed = running_job(admin, cloud, "in the backup")
    copy_database(database, backup)
    lost, orphan = running_job(admin, cloud, "after the backup")
    copy_database(backup, database)
    assert admin.call("GET", f"/api/v2/jobs/{lost}/")[0] == 404
    wait_for(lambda: clusters_of(cloud) == {needed}, "the orphan is gone from the cloud", LIMIT, every=0.2)
    wait_for(
        lambda: "jobs:leftover:removed" in audited(portal, orphan), "its removal is in the audit trail", LIMIT
    )
    assert admin.call("POST", f"/api/v2/jobs/{kept}/stop/")[0] == 202
    admin.wait_for_cluster(kept, "Stopped")


def test_a_list_that_cannot_be_read_is_told_and_an_orphan_is_found_afterwards(
    portal: Stack, admin: Person, cloud: httpx.Client, fault: Callable[..., None]
) -> None:
    lost, orphan = running_job(admin, cloud, "unseen")

    def lists_readable() -> bool:
        status, body = admin.call("GET", "/readyz")
        assert (status, body["ready"]) == (200, True)
        return bool(body["provider_lists"])

    wait_for(lists_readable, "the list can be read", LIMIT)
    fault("api_down", {})
    portal.manage("shell", "-c", f"from jobs.models import Job; Job.objects.get(pk='{lost}').delete()")
    wait_for(lambda: not lists_readable(), "readiness says that the list cannot be read", LIMIT, every=0.2)
    cloud.put("/v1/faults", json={"api_down": None})
    wait_for(lambda: orphan not in clusters_of(cloud), "the orphan is gone from the cloud", LIMIT, every=0.2)
    wait_for(lists_readable, "the list can be read again", LIMIT, every=0.2)

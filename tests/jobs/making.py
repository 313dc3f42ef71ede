"""Rows for tests of the loop, made by the functions that pages and API call."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from accounts.audit.trail import Actor
from accounts.models import User
from jobs.control import orders
from jobs.models import Cluster, Job, Node
from jobs.states import Observed
from jobs.submission import job_actions
from jobs.submission.draft import JobDraft
from tests.jobs.cluster_rows import complete, stamps_until

HOST_KEYS = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0nr5u1Vb1MN3hpTA3e5QfXvEHT8vZk7sHjV0vYJ1bO",
]


def draft(**change: Any) -> JobDraft:
    """Return a valid draft for one small node."""
    fields: dict[str, Any] = {
        "name": "cavity",
        "command": "hostname",
        "core_type": "emerald",
        "cores_per_slot": 1,
        "slots": 1,
        "walltime_hours": 1,
    }
    return JobDraft(**{**fields, **change})


def actor(user: User) -> Actor:
    return Actor(user, "127.0.0.1", "api")


def saved_job(user: User, **change: Any) -> Job:
    return job_actions.create_job(actor(user), user, draft(**change))


def submitted_job(user: User, **change: Any) -> Job:
    return job_actions.submit_job(actor(user), saved_job(user, **change))


def cluster_of(
    user: User, observed: Observed = Observed.BOOTING, **change: Any
) -> tuple[Cluster, Sequence[Node]]:
    """Return the cluster and node rows of a submitted job, as if the loop had brought it to `observed`."""
    job = submitted_job(user, **change)
    cluster = job.cluster
    nodes = orders.make_nodes(cluster)
    changes: dict[str, Any] = {"observed_state": observed, **stamps_until(observed, timezone.now())}
    if observed == Observed.RELEASED:
        changes["next_check_at"] = None
    Cluster.objects.filter(pk=cluster.pk).update(**changes)
    cluster.refresh_from_db()
    complete(cluster, given=set())
    return cluster, nodes

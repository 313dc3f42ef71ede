"""Finding what a path names, among what the person may see."""

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.rest.requests import person, pick
from jobs.access.node_access import visible_jobs
from jobs.models import Cluster, Job
from jobs.states import Observed


def jobs_of(request: Request) -> QuerySet[Job]:
    """The jobs the person may see, with what every answer about one needs."""
    return visible_jobs(person(request)).select_related("owner", "core_type", "cluster")


def job_of(request: Request, job_id: str) -> Job:
    """The job a path names. Raises NotFound."""
    return pick(jobs_of(request), job_id)


def cluster_of(job: Job) -> Cluster | None:
    """The job's cluster, if it was ever submitted."""
    return getattr(job, "cluster", None)


def existing_cluster_of(job: Job) -> Cluster:
    """The job's cluster. Raises NotFound (`no_cluster`) for a job that was only saved."""
    cluster = cluster_of(job)
    if cluster is None:
        raise NotFound("The job was not submitted: it has no cluster yet.", "no_cluster")
    return cluster


def living_cluster_of(job: Job) -> Cluster | None:
    """The job's cluster while it is not being taken away."""
    cluster = cluster_of(job)
    ended = cluster is None or cluster.observed_state in (Observed.RELEASING, Observed.RELEASED)
    return None if ended else cluster

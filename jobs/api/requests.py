"""Find the job and the cluster that a path names, among those the user may see."""

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.rest.requests import person, pick
from jobs.access.job_visibility import visible_jobs
from jobs.models import Cluster, Job
from jobs.states import ENDING


def jobs_of(request: Request) -> QuerySet[Job]:
    """Return the jobs that the user may see, with the related rows that an answer needs."""
    return visible_jobs(person(request)).select_related("owner", "core_type", "cluster")


def job_of(request: Request, job_id: str) -> Job:
    """Return the job that a path names. Raises NotFound."""
    return pick(jobs_of(request), job_id)


def cluster_of(job: Job) -> Cluster | None:
    """Return the job's cluster; None if the job was never submitted."""
    return getattr(job, "cluster", None)


def existing_cluster_of(job: Job) -> Cluster:
    """Return the job's cluster. Raises NotFound (`no_cluster`) for a job that was only saved."""
    cluster = cluster_of(job)
    if cluster is None:
        raise NotFound("The job was not submitted, so it has no cluster yet.", "no_cluster")
    return cluster


def living_cluster_of(job: Job) -> Cluster | None:
    """Return the job's cluster; None once it is being terminated."""
    cluster = cluster_of(job)
    ended = cluster is None or cluster.observed_state in ENDING
    return None if ended else cluster

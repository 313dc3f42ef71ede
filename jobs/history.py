"""Dated rows of what a job and its cluster went through."""

from django.utils import timezone

from jobs import events
from jobs.models import Cluster, ClusterStatus, Job, JobStatus
from jobs.states import JobState


def job_status(job: Job, status: JobState, reason: str = "") -> bool:
    """Append a job status unless the job has it already, or is Completed. True when it is new."""
    if JobStatus.objects.filter(job=job, status__in=[status, JobState.COMPLETED]).exists():
        return False
    JobStatus.objects.create(job=job, status=status, reason=reason[:300], at=timezone.now())
    events.ring(job.pk)
    return True


def cluster_status(cluster: Cluster, reason: str = "") -> bool:
    """Append the cluster's present status unless it has that row already. True when it is new."""
    if ClusterStatus.objects.filter(cluster=cluster, status=cluster.status).exists():
        return False
    ClusterStatus.objects.create(
        cluster=cluster, status=cluster.status, reason=reason[:300], at=timezone.now()
    )
    events.ring(cluster.job_id)
    return True

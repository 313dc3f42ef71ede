"""Record the statuses of a job and its cluster as dated rows: each once, never an earlier one after a later one."""

from django.utils import timezone

from jobs.events import job_log
from jobs.models import Cluster, ClusterStatus, Job, JobStatus
from jobs.states import ClusterState, JobState

# The order in which statuses follow each other. Some may be skipped; none comes after a later one.
JOB_ORDER = list(JobState)
CLUSTER_ORDER = [
    ClusterState.NOT_STARTED,
    ClusterState.STARTING,
    ClusterState.STARTED,
    ClusterState.STOP_REQUESTED,
    ClusterState.ERROR,
    ClusterState.STOPPING,
    ClusterState.STOPPED,
]


def record_job_status(job: Job, status: JobState, reason: str = "") -> bool:
    """Append a job status unless the job has it, or a later one, already. Return whether it was appended."""
    if JobStatus.objects.filter(job=job, status__in=JOB_ORDER[JOB_ORDER.index(status) :]).exists():
        return False
    JobStatus.objects.create(job=job, status=status, reason=reason[:300], at=timezone.now())
    job_log.notify(job.pk)
    return True


def record_cluster_status(cluster: Cluster, reason: str = "") -> bool:
    """Append the cluster's current status unless it has it, or a later one. Return whether it was appended."""
    later = CLUSTER_ORDER[CLUSTER_ORDER.index(cluster.status) :]
    if ClusterStatus.objects.filter(cluster=cluster, status__in=later).exists():
        return False
    ClusterStatus.objects.create(
        cluster=cluster, status=cluster.status, reason=reason[:300], at=timezone.now()
    )
    job_log.notify(cluster.job_id)
    return True

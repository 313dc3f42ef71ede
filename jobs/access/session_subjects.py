"""Convert between a job and the `subject` text of its terminal sessions.

The gateway knows nothing of jobs: it stores this name as the session's `subject`.
"""

from jobs.models import Job


def subject_of(job: Job) -> str:
    """Return the subject of the job's terminal sessions."""
    return f"job:{job.pk}"


def job_id_of(subject: str) -> str:
    """Return the id of the job that a subject names; empty when it names something else."""
    kind, _, job_id = subject.partition(":")
    return job_id if kind == "job" else ""

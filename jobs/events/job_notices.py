"""Tell people of their jobs: each function writes the notification in the transaction of what happened."""

from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.models import User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import Action, notify
from jobs.models import Cluster, Job, Node
from jobs.states import LogSource, Outcome

# Of a failed job the end of its output is told: mostly the error.
LINES_OF_OUTPUT = 3
LONGEST_LINE = 300


def job_started(job: Job) -> None:
    """Tell the owner that the command has begun, or that the cluster is theirs."""
    what = "Its command has begun." if job.command else "The cluster is up and yours to use."
    notify(
        job.owner,
        NotificationKind.JOB_STARTED,
        f"{job.name} is running. {what}",
        title=f"{job.name} started",
        link=_page(job),
        key=f"job-{job.pk}",
        facts=_facts(job),
    )


def job_completed(job: Job) -> None:
    """Tell the owner how the job ended: a failure with the end of its output."""
    has_failed = job.outcome in (Outcome.FAILED, Outcome.ERROR)
    lines = last_lines(job) if job.outcome == Outcome.FAILED else []
    text = f"{job.outcome_reason}."
    if lines:
        text += "\n" + "\n".join(lines)
    notify(
        job.owner,
        NotificationKind.JOB_FAILED if has_failed else NotificationKind.JOB_ENDED,
        text,
        title=f"{job.name} failed" if has_failed else f"{job.name}: {job.outcome_reason}",
        link=_page(job),
        key=f"job-{job.pk}",
        facts={
            **_facts(job),
            "outcome": job.outcome,
            "reason": job.outcome_reason,
            "exitCode": job.exit_code,
            "lastLines": lines,
        },
    )


def last_lines(job: Job) -> list[str]:
    """Return the last lines of the command's output that the Job Log has, cut to LONGEST_LINE characters."""
    output = job.events.filter(source=LogSource.PROGRAM).exclude(message="").order_by("-sequence")
    newest = output.values_list("message", flat=True)[:LINES_OF_OUTPUT]
    return [line[:LONGEST_LINE] for line in reversed(newest)]


def deadline_near(cluster: Cluster, sentence: str, minutes: int) -> None:
    """Tell the owner that the cluster ends soon; once for each deadline and warning."""
    job, at = cluster.job, cluster.deadline_at
    left = "1 hour" if minutes == 60 else f"{minutes} minutes"
    notify(
        job.owner,
        NotificationKind.DEADLINE_NEAR,
        sentence,
        title=f"{job.name} ends in {left}",
        link=_page(job),
        action=Action(reverse("job_extend", args=[job.pk]), "Extend it"),
        key=f"job-{job.pk}-{_moment(at)}-{minutes}",
        facts={
            **_facts(job),
            "cluster": cluster.handle,
            "deadline": _moment(at),
            "reason": cluster.deadline_reason,
            "minutes": minutes,
        },
    )


def host_key_alarm(node: Node, text: str, since: datetime) -> None:
    """Tell the job's owner and the administrators that a node shows another host key."""
    job = node.cluster.job
    administrators = User.objects.filter(is_active=True, is_superuser=True).exclude(pk=job.owner_id)
    for person in (job.owner, *administrators):
        notify(
            person,
            NotificationKind.HOST_KEY_ALARM,
            text,
            title=f"Host key alarm: {node.name} of {job.name}",
            link=_page(job),
            key=f"node-{node.pk}-{_moment(since)}",
            facts={**_facts(job), "node": node.name},
        )


def _page(job: Job) -> str:
    return reverse("job_page", args=[job.pk])


def _facts(job: Job) -> dict[str, Any]:
    return {"job": job.pk, "jobName": job.name, "owner": job.owner.get_username()}


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")

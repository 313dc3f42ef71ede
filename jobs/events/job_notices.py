"""Tell people of their jobs: each function writes the notification in the transaction of what happened."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Notification, User
from accounts.notifications.kinds import NotificationKind
from accounts.notifications.outbox import Action, notify
from jobs.events.last_output import last_lines
from jobs.models import Cluster, Job, Node
from jobs.states import COMPLETED_SUCCESSFULLY, Outcome


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


def job_completed(job: Job, usage: str) -> None:
    """Tell the owner how the job ended. `usage`: a sentence on how long it ran and what it cost, or nothing.

    The last lines that a failed command printed are in the facts: pages and mail show them below the text.
    """
    has_failed = job.outcome in (Outcome.FAILED, Outcome.ERROR)
    sentences = [f"{job.outcome_reason.rstrip('.')}.", usage]
    if usage and job.outcome_reason == COMPLETED_SUCCESSFULLY:
        del sentences[0]  # the title says so
    notify(
        job.owner,
        NotificationKind.JOB_FAILED if has_failed else NotificationKind.JOB_ENDED,
        " ".join(filter(None, sentences)),
        title=_ending_title(job, has_failed),
        link=_page(job),
        key=f"job-{job.pk}",
        facts={
            **_facts(job),
            "outcome": job.outcome,
            "reason": job.outcome_reason,
            "exitCode": job.exit_code,
            "lastLines": last_lines(job) if job.outcome == Outcome.FAILED else [],
        },
    )


def _ending_title(job: Job, has_failed: bool) -> str:
    name = {"name": job.name}
    if has_failed:
        return _("%(name)s failed") % name
    return (_("%(name)s completed") if job.outcome == Outcome.SUCCEEDED else _("%(name)s ended")) % name


def seen(person: User, job: Job) -> None:
    """Note that the person has opened the job's page: what they were told of its start and end is read."""
    kinds = (NotificationKind.JOB_STARTED, NotificationKind.JOB_ENDED, NotificationKind.JOB_FAILED)
    told = Notification.objects.filter(person=person, kind__in=kinds, key=f"job-{job.pk}", read_at=None)
    told.update(read_at=timezone.now())


def _extend(cluster: Cluster) -> Action | None:
    """Return the button that moves the deadline; only an administrator moves that of a budget."""
    if cluster.deadline_reason == "budget":
        return None
    words = "Keep it running" if cluster.deadline_reason == "idle" else "Extend it"
    return Action(reverse("job_extend", args=[cluster.job_id]), words)


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
        action=_extend(cluster),
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

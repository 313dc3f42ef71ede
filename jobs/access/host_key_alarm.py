"""Raise and clear the host key alarm: a node showed another host key than it reported.

Raising it writes a job event and an audit event, once. From then on the portal does not connect to the node
(`node_access.node_target` refuses), renews no host certificate for it and ends its browser terminals, until an
administrator clears the alarm. Clearing pins no new key: the node still has to show the key it reported.
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.keys import public_keys
from accounts.users.administrators import check_administrator
from jobs.access.session_subjects import subject_of
from jobs.events import job_log, job_notices, wakeups
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Node
from jobs.states import ClusterState, LogLevel, LogSource
from sshgateway.sessions import session_actions
from sshgateway.ssh.errors import HostKeyChanged

# How often the loop checks a cluster that waits for an administrator. Clearing the alarm wakes it at once.
ALARM_CHECK_INTERVAL = timedelta(seconds=15)


def raise_alarm(node: Node, error: HostKeyChanged, during: str) -> None:
    """Raise the alarm for a node, unless it is raised already. `during` names what the portal was doing."""
    job, now = node.cluster.job, timezone.now()
    pinned = ", ".join(public_keys.parse(key).fingerprint for key in node.host_keys)
    with transaction.atomic():
        without_alarm = Node.objects.filter(pk=node.pk, host_key_alarm_at__isnull=True)
        if without_alarm.update(host_key_alarm_at=now, host_key_shown=error.shown) != 1:
            return
        text = _alarm_text(node, pinned, error, during)
        job_notices.host_key_alarm(node, text, now)
        job_log.append(
            job,
            LogSource.SSH,
            text,
            level=LogLevel.ERROR,
            stage=ClusterState.ERROR,
            node=node.name,
        )
        record(
            Actor(user=None),
            JobsAuditAction.NODE_HOST_KEY_ALARM,
            "node",
            node.pk,
            owner=job.owner,
            before={"host_keys": pinned},
            after={"job": job.pk, "node": node.name, "shown": error.shown, "during": during},
        )
        wakeups.wake(node.cluster_id)
        transaction.on_commit(lambda: session_actions.request_recheck(subject=subject_of(job)), robust=True)


def clear_host_key_alarm(actor: Actor, node: Node) -> bool:
    """Let the portal connect to the node again. Return False when there was no alarm.

    Raises Refused (`not_administrator`, 403).
    """
    check_administrator(actor, "Only an administrator can clear a host key alarm. Ask yours.")
    job = node.cluster.job
    with transaction.atomic():
        since, shown = Node.objects.values_list("host_key_alarm_at", "host_key_shown").get(pk=node.pk)
        with_alarm = Node.objects.filter(pk=node.pk, host_key_alarm_at__isnull=False)
        if with_alarm.update(host_key_alarm_at=None, host_key_shown="") != 1:
            return False
        text = f"{actor.name} cleared the host key alarm of {node.name}: it must show the key it reported."
        job_log.append(job, LogSource.PORTAL, text, level=LogLevel.WARNING, node=node.name)
        record(
            actor,
            JobsAuditAction.NODE_HOST_KEY_ALARM_CLEARED,
            "node",
            node.pk,
            owner=job.owner,
            before={"alarm_at": since.isoformat() if since else "", "shown": shown},
            after={"job": job.pk, "node": node.name},
        )
        wakeups.wake(node.cluster_id)
    return True


def _alarm_text(node: Node, pinned: str, error: HostKeyChanged, during: str) -> str:
    shown = error.shown or "none of the types it reported"
    return (
        f"Host key alarm: {node.name} shows another host key than it reported ({shown} instead of {pinned}), "
        f"seen during {during}. Nothing was sent to it. Do not log in to it; tell your administrator."
    )

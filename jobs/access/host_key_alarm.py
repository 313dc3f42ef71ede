"""The alarm: a node showed another host key than it reported.

It sounds once: a job event, an audit event, a banner. From then on the portal does not talk to the node
(`access.node_target` refuses), vouches for it no more, and shows everyone out of its browser terminals, until
an administrator clears the alarm. Clearing pins nothing new: the node still has to show the key it reported.
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.keys import public_keys
from accounts.users.administrators import check_administrator
from jobs.access import node_access
from jobs.events import job_log, wakeups
from jobs.models import JobEvent, Node
from sshgateway.sessions import session_actions
from sshgateway.ssh.errors import HostKeyChanged

AUDIT_ACTION = "jobs:node:host_key_alarm"
# How often a cluster that waits for an administrator is looked at; clearing the alarm wakes it at once.
LOOK = timedelta(seconds=15)


def raise_alarm(node: Node, error: HostKeyChanged, during: str) -> None:
    """Raise the alarm for a node unless it is raised; `during` says what the portal was about to do."""
    shown = error.shown or "none of the types it reported"
    job = node.cluster.job
    pinned = ", ".join(public_keys.parse(key).fingerprint for key in node.host_keys)
    text = (
        f"Host key alarm: {node.name} shows another host key than it reported ({shown} instead of {pinned}), "
        f"seen during {during}. Nothing was sent to it. Do not log in to it; tell your administrator."
    )
    with transaction.atomic():
        silent = Node.objects.filter(pk=node.pk, host_key_alarm_at__isnull=True)
        if silent.update(host_key_alarm_at=timezone.now(), host_key_shown=error.shown) != 1:
            return
        job_log.append(job, JobEvent.Source.SSH, text, level="error", stage="Error", node=node.name)
        record(
            Actor(user=None),
            AUDIT_ACTION,
            "node",
            node.pk,
            owner=job.owner,
            before={"host_keys": pinned},
            after={"job": job.pk, "node": node.name, "shown": error.shown, "during": during},
        )
        wakeups.wake(node.cluster_id)
        transaction.on_commit(lambda: session_actions.recheck(subject=node_access.subject(job)), robust=True)


def clear_host_key_alarm(actor: Actor, node: Node) -> bool:
    """An administrator lets the portal talk to the node again; False when there was no alarm.

    Raises Refused (`not_administrator`, 403).
    """
    check_administrator(actor, "Only an administrator can clear a host key alarm. Ask yours.")
    job = node.cluster.job
    with transaction.atomic():
        since, shown = Node.objects.values_list("host_key_alarm_at", "host_key_shown").get(pk=node.pk)
        alarmed = Node.objects.filter(pk=node.pk, host_key_alarm_at__isnull=False)
        if alarmed.update(host_key_alarm_at=None, host_key_shown="") != 1:
            return False
        text = f"{actor.name} cleared the host key alarm of {node.name}: it must show the key it reported."
        job_log.append(job, "portal", text, level="warning", node=node.name)
        record(
            actor,
            f"{AUDIT_ACTION}_cleared",
            "node",
            node.pk,
            owner=job.owner,
            before={"alarm_at": since.isoformat() if since else "", "shown": shown},
            after={"job": job.pk, "node": node.name},
        )
        wakeups.wake(node.cluster_id)
    return True

"""News from below: keys, rules or an authority changed, or a browser terminal met a foreign host key."""

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.signals import access_changed
from jobs.access import host_key_alarm, node_access
from jobs.events import wakeups
from jobs.machines import machine_access, machine_actions
from jobs.models import Cluster, Machine, Node
from jobs.states import Observed
from sshgateway.models import AuthorityKey, TerminalSession
from sshgateway.sessions import session_actions
from sshgateway.signals import authority_rotated, host_key_changed
from sshgateway.ssh.errors import HostKeyChanged

ENDING = (Observed.RELEASING, Observed.RELEASED)


@receiver(access_changed, dispatch_uid="jobs.push_access")
def push_access(sender: type[User], owner: User, **kwargs: Any) -> None:
    """Make every cluster of the person due, and have their open terminals checked again."""
    live = Cluster.objects.filter(job__owner=owner).exclude(observed_state__in=ENDING)
    wakeups.wake_for_access(list(live.values_list("pk", flat=True)))
    session_actions.recheck(owner=owner)


@receiver(authority_rotated, dispatch_uid="jobs.push_authority")
def push_authority(sender: type[AuthorityKey], kind: str, **kwargs: Any) -> None:
    """Every cluster hears of the new user authority, and gets host certificates of the new host authority."""
    live = Cluster.objects.exclude(observed_state__in=ENDING)
    wakeups.wake_for_access(list(live.values_list("pk", flat=True)))


@receiver(host_key_changed, dispatch_uid="jobs.access.host_key_alarm")
def sound_alarm(
    sender: type[TerminalSession], session: TerminalSession, error: HostKeyChanged, **kwargs: Any
) -> None:
    """A browser terminal met another host key than the node reported, or than is pinned for the machine."""
    if (machine_id := machine_access.machine_id_of(session)) is not None:
        for machine in Machine.objects.filter(pk=machine_id):
            if not machine_access.leads_elsewhere(session, machine):
                machine_actions.raise_alarm(machine, error, "the opening of a browser terminal")
        return
    nodes = Node.objects.select_related("cluster__job__owner").filter(
        name=session.node, cluster__job=node_access.job_id_of(session.subject)
    )
    # An address may change hands while a cluster ends: no alarm then.
    for node in nodes.exclude(cluster__observed_state__in=ENDING):
        host_key_alarm.raise_alarm(node, error, "the opening of a browser terminal")

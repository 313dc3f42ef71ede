"""Receive signals of the apps below: keys, rules or an authority changed, or a terminal met another host key."""

from typing import Any

from celery.signals import worker_shutting_down
from django.conf import settings
from django.dispatch import receiver

from accounts.models import User
from accounts.signals import access_changed, adding_another_user
from jobs.access import host_key_alarm, session_subjects
from jobs.control import portal_stop
from jobs.events import wakeups
from jobs.machines import machine_access, machine_actions
from jobs.models import Cluster, Machine, Node
from jobs.providers import isolation
from jobs.states import ENDING
from sshgateway.models import AuthorityKey, TerminalSession
from sshgateway.sessions import session_actions
from sshgateway.signals import authority_rotated, host_key_changed
from sshgateway.ssh.errors import HostKeyChanged


@receiver(access_changed, dispatch_uid="jobs.push_access")
def push_access(sender: type[User], owner: User, **kwargs: Any) -> None:
    """Push keys and rules to every live cluster of the person, and have their open terminals checked again."""
    live = Cluster.objects.filter(job__owner=owner).exclude(observed_state__in=ENDING)
    wakeups.wake_for_access(list(live.values_list("pk", flat=True)))
    session_actions.request_recheck(owner=owner)


@receiver(adding_another_user, dispatch_uid="jobs.remember_isolation")
def remember_isolation(sender: type[User], **kwargs: Any) -> None:
    """Ask now whether nodes keep users apart: what was remembered may be from before a restart."""
    isolation.remember_isolation()


@receiver(authority_rotated, dispatch_uid="jobs.push_authority")
def push_authority(sender: type[AuthorityKey], kind: str, **kwargs: Any) -> None:
    """Push the new user authority to every live cluster; host certificates are signed anew in the same pass."""
    live = Cluster.objects.exclude(observed_state__in=ENDING)
    wakeups.wake_for_access(list(live.values_list("pk", flat=True)))


@receiver(host_key_changed, dispatch_uid="jobs.access.host_key_alarm")
def sound_alarm(
    sender: type[TerminalSession], session: TerminalSession, error: HostKeyChanged, **kwargs: Any
) -> None:
    """Raise the alarm: a terminal met a host key other than the one a node reported, or a machine has pinned."""
    if (machine_id := machine_access.machine_id_of(session)) is not None:
        for machine in Machine.objects.filter(pk=machine_id):
            if not machine_access.target_differs(session, machine):
                machine_actions.raise_alarm(machine, error, "the opening of a browser terminal")
        return
    nodes = Node.objects.select_related("cluster__job__owner").filter(
        name=session.node, cluster__job=session_subjects.job_id_of(session.subject)
    )
    # While a cluster ends, its address may already belong to another node: no alarm then.
    for node in nodes.exclude(cluster__observed_state__in=ENDING):
        host_key_alarm.raise_alarm(node, error, "the opening of a browser terminal")


@worker_shutting_down.connect(dispatch_uid="jobs.note_stop")  # type: ignore[untyped-decorator]  # Celery's own
def note_stop(**kwargs: Any) -> None:
    """Tell jobs whose nodes end with `make run`. Elsewhere a worker that stops ends nothing but itself."""
    if settings.HEADNODE_SIMULATOR_ENDS_WITH_PORTAL:
        portal_stop.note_stop()

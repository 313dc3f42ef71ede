"""Decide who may see which machine, and who may open a terminal on it from which address."""

import re

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.refusals import Refused
from accounts.users.administrators import is_administrator
from jobs.access.node_access import check_address
from jobs.models import Machine
from sshgateway.models import TerminalSession
from sshgateway.ssh.targets import Target
from sshgateway.terminals.end_reasons import EndReason

SUBJECT_KIND = "machine"
_ROW_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def visible_machines(user: User) -> QuerySet[Machine]:
    """Return the machines this person may see: all for an administrator, otherwise those that they may use now."""
    machines = Machine.objects.all()
    if is_administrator(user):
        return machines
    # A subquery and not a join, which would list a machine once for each person named.
    named = Q(pk__in=Machine.people.through.objects.filter(user=user.pk).values("machine"))
    return machines.filter(named | Q(everyone=True), enabled=True)


def may_use(user: User, machine: Machine) -> bool:
    """Whether the person is among those who may use the machine; it may be disabled nevertheless."""
    if is_administrator(user) or machine.everyone:
        return user.is_active
    return user.is_active and machine.people.filter(pk=user.pk).exists()


def machine_target(machine: Machine) -> Target:
    """Return the machine's address and pinned host keys as a target. Checks no rule: that is up to the caller."""
    return Target(
        address=machine.host,
        port=machine.port,
        principal=machine.username,
        host_keys=tuple(machine.host_keys),
        label=machine.name,
        subject=machine.subject,
        node=machine.name,
    )


def terminal_target(user: User, machine: Machine, source_address: str) -> Target:
    """Return the target of a browser terminal of this person on the machine.

    Raises Refused: `not_found` (404), `machine_disabled`, `host_key_changed`, `ssh_access_off`, `cidr_denied` (403).
    """
    if not visible_machines(user).filter(pk=machine.pk).exists():
        raise Refused("not_found", "There is no such machine.", status=404)
    _check_machine(machine)
    check_address(user, source_address)
    return machine_target(machine)


def check_machine_terminal(session: TerminalSession, user: User, source_address: str) -> None:
    """Raise Refused unless the owner may have this session on a machine now. For subjects of kind "machine".

    The session keeps a copy of its target, so it is compared with the machine as it is now.
    """
    machine_id = machine_id_of(session)
    machine = None if machine_id is None else Machine.objects.filter(pk=machine_id).first()
    if machine is None:
        raise _refusal(EndReason.MACHINE_REMOVED)
    if not may_use(user, machine):
        raise _refusal(EndReason.NOT_ALLOWED)
    _check_machine(machine)
    if target_differs(session, machine):
        raise _refusal(EndReason.MACHINE_CHANGED)
    check_address(user, source_address)


def machine_id_of(session: TerminalSession) -> int | None:
    """Return the primary key of the machine that a session leads to; None if its subject names none."""
    kind, _, number = session.subject.partition(":")
    return int(number) if kind == SUBJECT_KIND and _ROW_NUMBER.fullmatch(number) else None


def target_differs(session: TerminalSession, machine: Machine) -> bool:
    """Whether the machine moved after the session was opened, or one of the session's host keys is no longer pinned."""
    opened_on = (session.address, session.port, session.principal)
    return opened_on != (machine.host, machine.port, machine.username) or not (
        set(session.host_keys) <= set(machine.host_keys)
    )


def _check_machine(machine: Machine) -> None:
    if not machine.enabled:
        raise _refusal(EndReason.MACHINE_DISABLED)
    if machine.host_key_alarm_at is not None:
        raise Refused(
            EndReason.HOST_KEY_CHANGED.value,
            f"{machine.name} showed another host key than the one it is known by, so nobody is connected to it. "
            "Tell your administrator, who can clear the alarm.",
            status=403,
        )


def _refusal(reason: EndReason) -> Refused:
    return Refused(reason.value, reason.sentence, status=403)

"""Who may know of which machine, and who may open a terminal there from where."""

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.refusals import Refused
from accounts.users.administrators import is_administrator
from jobs.access.node_access import check_address
from jobs.models import Machine
from sshgateway.models import TerminalSession
from sshgateway.ssh.targets import Target
from sshgateway.terminals import end_reasons

KIND = "machine:"


def visible_machines(user: User) -> QuerySet[Machine]:
    """The machines this person may know of: an administrator all, others those that they may use now."""
    machines = Machine.objects.all()
    if is_administrator(user):
        return machines
    # Not a join: whoever is named once must not see a machine twice.
    named = Q(pk__in=Machine.people.through.objects.filter(user=user.pk).values("machine"))
    return machines.filter(named | Q(everyone=True), enabled=True)


def may_use(user: User, machine: Machine) -> bool:
    """Whether the person is among those who may; not whether the machine is enabled."""
    if is_administrator(user) or machine.everyone:
        return user.is_active
    return user.is_active and machine.people.filter(pk=user.pk).exists()


def machine_target(machine: Machine) -> Target:
    """Where the machine is and what it is known by. Asks no rule: for callers that asked, or check it for an alarm."""
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
    """Where a browser terminal of this person may lead.

    Raises Refused: `not_found` (404), `machine_disabled`, `host_key_changed`, `ssh_access_off`, `cidr_denied` (403).
    """
    if not visible_machines(user).filter(pk=machine.pk).exists():
        raise Refused("not_found", "There is no such machine.", status=404)
    _check_machine(machine)
    check_address(user, source_address)
    return machine_target(machine)


def check_machine_terminal(session: TerminalSession, user: User, source_address: str) -> None:
    """The gatekeeper of sessions on machines: asked when a socket attaches and while it stays."""
    machine_id = machine_id_of(session)
    if machine_id is None:
        return
    machine = Machine.objects.filter(pk=machine_id).first()
    if machine is None:
        raise _refusal("machine_removed")
    if not may_use(user, machine):
        raise _refusal("not_allowed")
    _check_machine(machine)
    if leads_elsewhere(session, machine):
        raise _refusal("machine_changed")
    check_address(user, source_address)


def machine_id_of(session: TerminalSession) -> int | None:
    """The machine a session leads to; None when it leads to something else."""
    number = session.subject.removeprefix(KIND)
    return int(number) if session.subject.startswith(KIND) and number.isdigit() else None


def leads_elsewhere(session: TerminalSession, machine: Machine) -> bool:
    """Whether the session was opened to another place than the machine is now, or by a key that is pinned no more."""
    there = (session.address, session.port, session.principal)
    return there != (machine.host, machine.port, machine.username) or not (
        set(session.host_keys) <= set(machine.host_keys)
    )


def _check_machine(machine: Machine) -> None:
    if not machine.enabled:
        raise _refusal("machine_disabled")
    if machine.host_key_alarm_at is not None:
        raise Refused(
            "host_key_changed",
            f"{machine.name} showed another host key than the one it is known by, so nobody is led there. "
            "Tell your administrator, who can clear the alarm.",
            status=403,
        )


def _refusal(reason: str) -> Refused:
    return Refused(reason, end_reasons.SENTENCES[reason], status=403)

"""Add, change and remove machines, and raise and clear their host key alarms.

Each function is one transaction with one audit event; open terminals that the change forbids end with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused, SeveralRefused
from accounts.users.administrators import check_administrator
from jobs.events.audit_actions import JobsAuditAction
from jobs.machines import machine_access
from jobs.machines.draft import CheckedMachine, MachineDraft, check_draft
from jobs.machines.node_addresses import check_not_a_node
from jobs.models import Machine
from sshgateway.sessions import session_actions
from sshgateway.ssh import host_keys
from sshgateway.ssh.errors import HostKeyChanged
from sshgateway.terminals.end_reasons import EndReason

# The fields that a draft determines.
STORED_FIELDS = ("name", "host", "port", "username", "host_keys", "scheduler", "notes", "enabled", "everyone")
MAX_PEOPLE = 1000
ONLY_ADMINISTRATORS = "Only an administrator can change machines. Ask yours."


def add_machine(actor: Actor, draft: MachineDraft, people: Iterable[str] = ()) -> tuple[Machine, str | None]:
    """Register a machine for the people with these user names. Return it, and a notice about how the keys were read.

    Raises Refused (`not_administrator`, 403), or SeveralRefused with every problem.
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    checked, named = _checked(draft, people)
    try:
        with transaction.atomic():
            machine = Machine.objects.create(**_fields(checked))
            machine.people.set(named)
            record(actor, JobsAuditAction.MACHINE_ADDED, "machine", machine.pk, after=_facts(machine))
    except IntegrityError as error:
        raise _name_taken(checked.name) from error
    return machine, checked.notice


def change_machine(
    actor: Actor, machine: Machine, changes: Mapping[str, Any], people: Iterable[str] | None = None
) -> tuple[Machine, str | None]:
    """Change the given fields of MachineDraft and, unless None, the people (user names). Return as `add_machine` does.

    Open terminals end if the machine moved, or if their owners may no longer use it. A new host key clears the alarm.
    Raises Refused (`not_administrator`, 403; `machine_removed`, 404), or SeveralRefused with every problem.
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    try:
        with transaction.atomic():
            current = Machine.objects.select_for_update().filter(pk=machine.pk).first()
            if current is None:
                raise Refused("machine_removed", "The machine was removed meanwhile.", status=404)
            before = _facts(current)
            checked, named = _checked(replace(draft_from(current), **changes), people, current.host)
            _save(current, checked, named if people is not None else None)
            after = _facts(current)
            if after != before:
                record(
                    actor, JobsAuditAction.MACHINE_CHANGED, "machine", current.pk, before=before, after=after
                )
            _end_forbidden_terminals(current)
    except IntegrityError as error:
        raise _name_taken(checked.name) from error
    return current, checked.notice


def remove_machine(actor: Actor, machine: Machine) -> None:
    """Remove a machine from the portal; its open terminals end. Nothing changes on the machine itself. Idempotent.

    Raises Refused (`not_administrator`, 403).
    """
    check_administrator(actor, ONLY_ADMINISTRATORS)
    with transaction.atomic():
        current = Machine.objects.select_for_update().filter(pk=machine.pk).first()
        if current is None:
            return
        subject = current.subject
        record(actor, JobsAuditAction.MACHINE_REMOVED, "machine", current.pk, before=_facts(current))
        current.delete()
        session_actions.end_sessions(subject=subject, reason=EndReason.MACHINE_REMOVED)


def raise_alarm(machine: Machine, error: HostKeyChanged, during: str) -> bool:
    """Refuse all terminals on a machine that showed another host key. False if the alarm had been raised before."""
    with transaction.atomic():
        without_alarm = Machine.objects.filter(pk=machine.pk, host_key_alarm_at__isnull=True)
        if without_alarm.update(host_key_alarm_at=timezone.now(), host_key_shown=error.shown) != 1:
            return False
        record(
            Actor(user=None),
            JobsAuditAction.MACHINE_HOST_KEY_ALARM,
            "machine",
            machine.pk,
            before={"name": machine.name, "host_keys": ", ".join(machine.fingerprints)},
            after={
                "name": machine.name,
                "shown": error.shown or "none of the pinned types",
                "during": during,
            },
        )
        transaction.on_commit(lambda: session_actions.request_recheck(subject=machine.subject), robust=True)
    return True


def clear_alarm(actor: Actor, machine: Machine) -> bool:
    """Allow connections to the machine again; it still has to show a pinned key. False if there was no alarm.

    Raises Refused (`not_administrator`, 403).
    """
    check_administrator(actor, "Only an administrator can clear a host key alarm. Ask yours.")
    with transaction.atomic():
        alarmed = Machine.objects.filter(pk=machine.pk, host_key_alarm_at__isnull=False)
        if alarmed.update(host_key_alarm_at=None, host_key_shown="") != 1:
            return False
        facts = {"name": machine.name}
        record(
            actor,
            JobsAuditAction.MACHINE_HOST_KEY_ALARM_CLEARED,
            "machine",
            machine.pk,
            before=facts,
            after=facts,
        )
    return True


def draft_from(machine: Machine) -> MachineDraft:
    """Return the draft that would register the machine as it is."""
    unchanged = {
        field.name: getattr(machine, field.name) for field in fields(MachineDraft) if field.name != "host_key"
    }
    return MachineDraft(**unchanged, host_key="\n".join(machine.host_keys))


def _end_forbidden_terminals(machine: Machine) -> None:
    for session in session_actions.open_sessions(subject=machine.subject).select_related("owner"):
        if not machine.enabled:
            session_actions.end_session(session, EndReason.MACHINE_DISABLED)
        elif not machine_access.may_use(session.owner, machine):
            session_actions.end_session(session, EndReason.NOT_ALLOWED)
        elif machine_access.target_differs(session, machine):
            session_actions.end_session(session, EndReason.MACHINE_CHANGED)


def _checked(
    draft: MachineDraft, people: Iterable[str] | None, known_host: str = ""
) -> tuple[CheckedMachine, list[User]]:
    """Return the checked draft and the people. Raises SeveralRefused with every problem of both.

    Where a known host leads is not asked again: the gateway asks whenever it connects.
    """
    problems: list[Refused] = []
    checked, named = None, []
    try:
        checked = check_draft(draft)
        if checked.host != known_host:
            check_not_a_node(checked.host)
    except SeveralRefused as refused:
        problems += refused.problems
    except Refused as refused:
        problems.append(refused)
    try:
        named = _find_people(people or ())
    except Refused as refused:
        problems.append(refused)
    if checked is None or problems:
        raise SeveralRefused(problems)
    return checked, named


def _find_people(names: Iterable[str]) -> list[User]:
    wanted = list(dict.fromkeys(names))
    if len(wanted) > MAX_PEOPLE:
        raise Refused(
            "too_many_people",
            f"These are {len(wanted)} people; name at most {MAX_PEOPLE}, or let everyone use the machine.",
            field="people",
        )
    # No user name has unprintable characters, and PostgreSQL does not accept NUL.
    printable = [name for name in wanted if name.isprintable()]
    found = {user.get_username(): user for user in User.objects.filter(username__in=printable)}
    unknown = [name for name in wanted if name not in found]
    if unknown:
        listed = ", ".join(
            f"“{name[:80]}”" if name.isprintable() else "one that cannot be printed" for name in unknown[:5]
        )
        raise Refused("person_unknown", f"Nobody here has this user name: {listed}.", field="people")
    return list(found.values())


def _save(machine: Machine, checked: CheckedMachine, people: list[User] | None) -> None:
    """Save the checked fields and, unless None, the people. New host keys clear the alarm."""
    pinned = machine.host_keys
    for name, value in _fields(checked).items():
        setattr(machine, name, value)
    if pinned != machine.host_keys:
        machine.host_key_alarm_at, machine.host_key_shown = None, ""
    machine.save()
    if people is not None:
        machine.people.set(people)


def _fields(checked: CheckedMachine) -> dict[str, Any]:
    return {name: getattr(checked, name) for name in STORED_FIELDS} | {"host_keys": list(checked.host_keys)}


def _name_taken(name: str) -> Refused:
    return SeveralRefused([Refused("name_taken", f"There is a machine named {name} already.", field="name")])


def _facts(machine: Machine) -> dict[str, object]:
    people = machine.people.order_by("username").values_list("username", flat=True)
    return {
        **{name: getattr(machine, name) for name in STORED_FIELDS if name != "host_keys"},
        "host_keys": ", ".join(host_keys.fingerprint(line) for line in machine.host_keys),
        "people": ", ".join(people),
    }

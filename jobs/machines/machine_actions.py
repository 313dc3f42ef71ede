"""What administrators do to machines: one verb, one transaction, one audit event; terminals that may not stay end."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit.trail import Actor, record
from accounts.models import User
from accounts.refusals import Refused, SeveralRefused
from accounts.users.administrators import check_administrator
from jobs.machines import machine_access
from jobs.machines.draft import CheckedMachine, MachineDraft, check
from jobs.models import Machine
from sshgateway.sessions import session_actions
from sshgateway.ssh import host_keys
from sshgateway.ssh.errors import HostKeyChanged

STORED = ("name", "host", "port", "username", "host_keys", "scheduler", "notes", "enabled", "everyone")
MAX_PEOPLE = 1000
NOT_YOURS = "Only an administrator can change machines. Ask yours."


def add_machine(actor: Actor, draft: MachineDraft, people: Iterable[str] = ()) -> tuple[Machine, str | None]:
    """Register a machine for the people of these user names; also answers a notice about the host key's text.

    Raises Refused (`not_administrator`, 403), or SeveralRefused with every problem.
    """
    check_administrator(actor, NOT_YOURS)
    checked, named = _checked(draft, people)
    try:
        with transaction.atomic():
            machine = Machine.objects.create(**_stored(checked))
            machine.people.set(named)
            record(actor, "jobs:machine:added", "machine", machine.pk, after=_facts(machine))
    except IntegrityError as error:
        raise _taken(checked.name) from error
    return machine, checked.notice


def change_machine(
    actor: Actor, machine: Machine, changes: Mapping[str, Any], people: Iterable[str] | None = None
) -> tuple[Machine, str | None]:
    """Change what is given (fields of MachineDraft; `people`: user names); the rest stays.

    Open terminals end that lead to where the machine is no more, or belong to people who may use it no more. A new
    host key clears the alarm. Raises Refused (`not_administrator`, 403; `machine_removed`, 404), or SeveralRefused.
    """
    check_administrator(actor, NOT_YOURS)
    try:
        with transaction.atomic():
            current = Machine.objects.select_for_update().filter(pk=machine.pk).first()
            if current is None:
                raise Refused("machine_removed", "The machine was removed meanwhile.", status=404)
            before, pinned = _facts(current), list(current.host_keys)
            checked, named = _checked(replace(draft_of(current), **changes), people)
            for name, value in _stored(checked).items():
                setattr(current, name, value)
            if pinned != current.host_keys:
                current.host_key_alarm_at, current.host_key_shown = None, ""
            current.save()
            if people is not None:
                current.people.set(named)
            after = _facts(current)
            if after != before:
                record(actor, "jobs:machine:changed", "machine", current.pk, before=before, after=after)
            _end_what_may_not_stay(current)
    except IntegrityError as error:
        raise _taken(checked.name) from error
    return current, checked.notice


def remove_machine(actor: Actor, machine: Machine) -> None:
    """Forget a machine; its open terminals end. The machine itself is not touched. Idempotent.

    Raises Refused (`not_administrator`, 403).
    """
    check_administrator(actor, NOT_YOURS)
    with transaction.atomic():
        current = Machine.objects.select_for_update().filter(pk=machine.pk).first()
        if current is None:
            return
        subject = current.subject
        record(actor, "jobs:machine:removed", "machine", current.pk, before=_facts(current))
        current.delete()
        session_actions.end_sessions(subject=subject, reason="machine_removed")


def raise_alarm(machine: Machine, error: HostKeyChanged, during: str) -> bool:
    """Lead nobody there any more: it showed another host key. Once: False when the alarm was raised already."""
    with transaction.atomic():
        silent = Machine.objects.filter(pk=machine.pk, host_key_alarm_at__isnull=True)
        if silent.update(host_key_alarm_at=timezone.now(), host_key_shown=error.shown) != 1:
            return False
        record(
            Actor(user=None),
            "jobs:machine:host_key_alarm",
            "machine",
            machine.pk,
            before={"name": machine.name, "host_keys": ", ".join(machine.fingerprints)},
            after={
                "name": machine.name,
                "shown": error.shown or "none of the pinned types",
                "during": during,
            },
        )
        transaction.on_commit(lambda: session_actions.recheck(subject=machine.subject), robust=True)
    return True


def clear_alarm(actor: Actor, machine: Machine) -> bool:
    """Let the portal talk to the machine again; it still has to show a pinned key. False when there was no alarm.

    Raises Refused (`not_administrator`, 403).
    """
    check_administrator(actor, "Only an administrator can clear a host key alarm. Ask yours.")
    with transaction.atomic():
        alarmed = Machine.objects.filter(pk=machine.pk, host_key_alarm_at__isnull=False)
        if alarmed.update(host_key_alarm_at=None, host_key_shown="") != 1:
            return False
        facts = {"name": machine.name}
        record(actor, "jobs:machine:host_key_alarm_cleared", "machine", machine.pk, before=facts, after=facts)
    return True


def draft_of(machine: Machine) -> MachineDraft:
    """The machine as one would ask for it."""
    same = {
        field.name: getattr(machine, field.name) for field in fields(MachineDraft) if field.name != "host_key"
    }
    return MachineDraft(**same, host_key="\n".join(machine.host_keys))


def _end_what_may_not_stay(machine: Machine) -> None:
    for session in session_actions.open_sessions(subject=machine.subject).select_related("owner"):
        if not machine.enabled:
            session_actions.end_session(session, "machine_disabled")
        elif not machine_access.may_use(session.owner, machine):
            session_actions.end_session(session, "not_allowed")
        elif machine_access.leads_elsewhere(session, machine):
            session_actions.end_session(session, "machine_changed")


def _checked(draft: MachineDraft, people: Iterable[str] | None) -> tuple[CheckedMachine, list[User]]:
    """The draft tidied and the people found. Raises SeveralRefused with every problem of both."""
    problems: list[Refused] = []
    checked, named = None, []
    try:
        checked = check(draft)
    except SeveralRefused as refused:
        problems += refused.problems
    try:
        named = _people(people or ())
    except Refused as refused:
        problems.append(refused)
    if checked is None or problems:
        raise SeveralRefused(problems)
    return checked, named


def _people(names: Iterable[str]) -> list[User]:
    wanted = list(dict.fromkeys(names))
    if len(wanted) > MAX_PEOPLE:
        raise Refused(
            "too_many_people",
            f"These are {len(wanted)} people; name at most {MAX_PEOPLE}, or let everyone use the machine.",
            field="people",
        )
    # What cannot be printed is nobody's name, and NUL would be more than PostgreSQL takes.
    askable = [name for name in wanted if name.isprintable()]
    found = {user.get_username(): user for user in User.objects.filter(username__in=askable)}
    unknown = [name for name in wanted if name not in found]
    if unknown:
        said = ", ".join(
            f"“{name[:80]}”" if name.isprintable() else "one that cannot be printed" for name in unknown[:5]
        )
        raise Refused("person_unknown", f"Nobody here has this user name: {said}.", field="people")
    return list(found.values())


def _stored(checked: CheckedMachine) -> dict[str, Any]:
    return {name: getattr(checked, name) for name in STORED} | {"host_keys": list(checked.host_keys)}


def _taken(name: str) -> Refused:
    return SeveralRefused([Refused("name_taken", f"There is a machine named {name} already.", field="name")])


def _facts(machine: Machine) -> dict[str, object]:
    people = machine.people.order_by("username").values_list("username", flat=True)
    return {
        **{name: getattr(machine, name) for name in STORED if name != "host_keys"},
        "host_keys": ", ".join(host_keys.fingerprint(line) for line in machine.host_keys),
        "people": ", ".join(people),
    }

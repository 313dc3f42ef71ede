"""Adding, changing and removing machines: saved completely or not at all, audited, and applied to open terminals."""

from typing import Any

import pytest

from accounts.audit.trail import Actor
from accounts.models import AuditEvent, User
from accounts.refusals import Refused, SeveralRefused
from jobs.machines import machine_actions
from jobs.machines.draft import MachineDraft
from jobs.models import Machine
from sshgateway.models import TerminalSession
from sshgateway.ssh.errors import HostKeyChanged
from tests.factories import MachineFactory, TerminalSessionFactory, public_key
from tests.jobs.making import actor

pytestmark = pytest.mark.django_db


def draft(**fields: Any) -> MachineDraft:
    usual = {"name": "Login node", "host": "login.example.org", "username": "sim", "host_key": public_key()}
    return MachineDraft(**{**usual, **fields})


def session_on(machine: Machine, owner: User) -> TerminalSession:
    """An open session on the machine as it is now."""
    return TerminalSessionFactory.create(
        owner=owner,
        subject=machine.subject,
        address=machine.host,
        port=machine.port,
        principal=machine.username,
        host_keys=machine.host_keys,
    )


def end_reason_of(session: TerminalSession) -> str:
    session.refresh_from_db()
    return session.end_reason


def change(admin: User, machine: Machine, people: list[str] | None = None, **changes: Any) -> Machine:
    return machine_actions.change_machine(actor(admin), machine, changes, people)[0]


def test_adding(admin: User, alice: User, bob: User) -> None:
    machine, notice = machine_actions.add_machine(actor(admin), draft(port="2222"), ["bob", "alice", "bob"])
    machine.refresh_from_db()
    assert (machine.host, machine.port, notice) == ("login.example.org", 2222, None)
    assert (machine.everyone, machine.enabled) == (False, True)
    assert set(machine.people.all()) == {alice, bob}
    event = AuditEvent.objects.get(action="jobs:machine:added")
    assert (event.actor_name, event.before, event.after["people"]) == ("admin", {}, "alice, bob")
    assert event.after["host_keys"].startswith("SHA256:")


def test_nobody_is_let_in_unless_named(admin: User) -> None:
    machine, _ = machine_actions.add_machine(actor(admin), draft())
    assert not machine.everyone
    assert not machine.people.exists()


def test_only_administrators(alice: User) -> None:
    machine = MachineFactory.create(people=[alice])
    for action in (
        lambda: machine_actions.add_machine(actor(alice), draft()),
        lambda: machine_actions.change_machine(actor(alice), machine, {"host": "elsewhere"}),
        lambda: machine_actions.remove_machine(actor(alice), machine),
        lambda: machine_actions.clear_alarm(actor(alice), machine),
    ):
        with pytest.raises(Refused) as caught:
            action()
        assert (caught.value.reason, caught.value.status) == ("not_administrator", 403)
    assert Machine.objects.get().host == "login.example.org"
    assert not AuditEvent.objects.filter(object_type="machine").exists()


def test_a_name_is_taken_once_however_it_is_written(admin: User) -> None:
    machine_actions.add_machine(actor(admin), draft())
    with pytest.raises(SeveralRefused, match="There is a machine named LOGIN node already"):
        machine_actions.add_machine(actor(admin), draft(name="LOGIN node"))
    other, _ = machine_actions.add_machine(actor(admin), draft(name="Other"))
    with pytest.raises(SeveralRefused) as caught:
        change(admin, other, name="login node")
    assert (caught.value.reason, caught.value.field) == ("name_taken", "name")
    assert Machine.objects.get(pk=other.pk).name == "Other"


def test_people_nobody_knows_are_named_beside_every_other_problem(admin: User, alice: User) -> None:
    with pytest.raises(SeveralRefused) as caught:
        machine_actions.add_machine(actor(admin), draft(host="a b"), ["alice", "bobb", "nul\0"])
    host, people = caught.value.problems
    assert (host.field, people.field) == ("host", "people")
    assert "“bobb”" in people.message
    assert "alice" not in people.message
    assert not Machine.objects.exists()


def test_too_many_people(admin: User) -> None:
    with pytest.raises(SeveralRefused) as caught:
        machine_actions.add_machine(actor(admin), draft(), [str(n) for n in range(1001)])
    assert caught.value.reason == "too_many_people"


def test_a_change_is_audited_with_before_and_after_and_keeps_the_rest(admin: User, alice: User) -> None:
    machine = MachineFactory.create(people=[alice], notes="be kind")
    changed = change(admin, machine, port=2222)
    assert (changed.port, changed.notes, list(changed.people.all())) == (2222, "be kind", [alice])
    event = AuditEvent.objects.get(action="jobs:machine:changed")
    assert (event.before["port"], event.after["port"]) == (22, 2222)
    assert event.before["people"] == event.after["people"] == "alice"


def test_changing_nothing_is_not_audited(admin: User) -> None:
    machine = MachineFactory.create()
    change(admin, machine, port=22)
    assert not AuditEvent.objects.filter(action="jobs:machine:changed").exists()


def test_a_machine_removed_meanwhile_cannot_be_changed(admin: User) -> None:
    machine = MachineFactory.create()
    machine_actions.remove_machine(actor(admin), Machine.objects.get())
    with pytest.raises(Refused) as caught:
        change(admin, machine, port=2222)
    assert (caught.value.reason, caught.value.status) == ("machine_removed", 404)
    machine_actions.remove_machine(actor(admin), machine)
    assert AuditEvent.objects.filter(action="jobs:machine:removed").count() == 1


def test_removing_ends_its_terminals_and_no_others(admin: User, alice: User) -> None:
    machine, other = MachineFactory.create(people=[alice]), MachineFactory.create(people=[alice])
    session, others = session_on(machine, alice), session_on(other, alice)
    machine_actions.remove_machine(actor(admin), machine)
    assert (end_reason_of(session), end_reason_of(others)) == ("machine_removed", "")
    assert list(Machine.objects.all()) == [other]


def test_taking_a_person_out_ends_that_persons_terminals(admin: User, alice: User, bob: User) -> None:
    machine = MachineFactory.create(people=[alice, bob])
    of_alice, of_bob, of_admin = (session_on(machine, owner) for owner in (alice, bob, admin))
    change(admin, machine, people=["bob"])
    assert (end_reason_of(of_alice), end_reason_of(of_bob), end_reason_of(of_admin)) == (
        "not_allowed",
        "",
        "",
    )


def test_no_longer_everyone(admin: User, alice: User, bob: User) -> None:
    machine = MachineFactory.create(everyone=True, people=[bob])
    of_alice, of_bob = session_on(machine, alice), session_on(machine, bob)
    change(admin, machine, everyone=False)
    assert (end_reason_of(of_alice), end_reason_of(of_bob)) == ("not_allowed", "")


def test_switching_off_ends_everyones(admin: User) -> None:
    machine = MachineFactory.create()
    session = session_on(machine, admin)
    change(admin, machine, enabled=False)
    assert end_reason_of(session) == "machine_disabled"


@pytest.mark.parametrize(
    "changes",
    [{"host": "elsewhere"}, {"port": 2222}, {"username": "other"}, {"host_key": public_key()}],
)
def test_a_terminal_ends_that_leads_to_where_the_machine_is_no_more(
    admin: User, changes: dict[str, Any]
) -> None:
    machine = MachineFactory.create()
    session = session_on(machine, admin)
    change(admin, machine, **changes)
    assert end_reason_of(session) == "machine_changed"


def test_another_key_beside_the_first_ends_nothing(admin: User) -> None:
    machine = MachineFactory.create()
    session = session_on(machine, admin)
    changed = change(admin, machine, host_key=f"{machine.host_keys[0]}\n{public_key()}", notes="rotating")
    assert len(changed.host_keys) == 2
    assert end_reason_of(session) == ""


ERROR = HostKeyChanged("It shows another key.", "SHA256:" + "x" * 43)


def test_the_alarm_is_raised_once_and_a_new_key_clears_it(admin: User) -> None:
    machine = MachineFactory.create()
    assert machine_actions.raise_alarm(machine, ERROR, "a test")
    assert not machine_actions.raise_alarm(machine, ERROR, "another test")
    machine.refresh_from_db()
    assert machine.host_key_shown == ERROR.shown
    event = AuditEvent.objects.get(action="jobs:machine:host_key_alarm")
    assert event.after["shown"] == ERROR.shown
    assert change(admin, machine, notes="looked at").host_key_alarm_at is not None
    pinned = list(machine.host_keys)
    changed = change(admin, machine, host_key=public_key())
    assert (changed.host_key_alarm_at, changed.host_key_shown) == (None, "")
    assert changed.host_keys != pinned


def test_clearing_pins_nothing(admin: User) -> None:
    machine = MachineFactory.create()
    machine_actions.raise_alarm(machine, ERROR, "a test")
    assert machine_actions.clear_alarm(actor(admin), machine)
    assert not machine_actions.clear_alarm(actor(admin), machine)
    assert not machine_actions.clear_alarm(Actor(None), machine)
    now = Machine.objects.get()
    assert (now.host_key_alarm_at, now.host_key_shown, now.host_keys) == (None, "", machine.host_keys)
    assert AuditEvent.objects.filter(action="jobs:machine:host_key_alarm_cleared").count() == 1

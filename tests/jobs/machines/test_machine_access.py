"""Who may see a machine and open a terminal on it: alice, who is named, may; charlie, who is not, sees nothing."""

from typing import Any

import pytest

from accounts.models import User
from accounts.refusals import Refused
from accounts.services import job_settings
from jobs.machines import machine_access
from jobs.models import Machine
from sshgateway.authorization import terminal_authorization
from sshgateway.models import TerminalSession
from sshgateway.sessions.session_actions import open_session
from tests.factories import AccessRuleFactory, MachineFactory, public_key

pytestmark = pytest.mark.django_db
HERE = "127.0.0.1"


@pytest.fixture
def machine(alice: User) -> Machine:
    AccessRuleFactory.create(owner=alice, cidr="127.0.0.0/8")
    made: Machine = MachineFactory.create(people=[alice])
    return made


def names(user: User) -> list[str]:
    return [machine.name for machine in machine_access.visible_machines(user)]


def refusal_of(user: User, machine: Machine, address: str = HERE) -> tuple[str, int]:
    with pytest.raises(Refused) as caught:
        machine_access.terminal_target(user, machine, address)
    return caught.value.reason, caught.value.status


def test_who_sees_what(admin: User, alice: User, bob: User, charlie: User) -> None:
    MachineFactory.create(name="a", people=[alice, bob])
    MachineFactory.create(name="b", people=[alice], everyone=True)
    MachineFactory.create(name="c", people=[bob])
    MachineFactory.create(name="d")
    MachineFactory.create(name="e", people=[alice], enabled=False)
    assert names(admin) == ["a", "b", "c", "d", "e"]
    assert names(alice) == ["a", "b"]
    assert names(bob) == ["a", "b", "c"]
    assert names(charlie) == ["b"]


def test_where_it_leads(machine: Machine, alice: User) -> None:
    target = machine_access.terminal_target(alice, machine, HERE)
    assert (target.address, target.port, target.principal) == ("login.example.org", 22, "sim")
    assert target.host_keys == tuple(machine.host_keys)
    assert target.subject == f"machine:{machine.pk}"


def test_charlie_finds_nothing(machine: Machine, charlie: User) -> None:
    assert refusal_of(charlie, machine) == ("not_found", 404)


def test_the_persons_own_rules_hold(machine: Machine, alice: User, admin: User) -> None:
    assert refusal_of(alice, machine, "198.51.100.4") == ("cidr_denied", 403)
    assert refusal_of(admin, machine) == ("cidr_denied", 403)
    row = job_settings(alice)
    row.ssh_access = False
    row.save()
    assert refusal_of(alice, machine) == ("ssh_access_off", 403)


def test_switched_off_nobody_gets_there(machine: Machine, alice: User, admin: User) -> None:
    AccessRuleFactory.create(owner=admin, cidr="127.0.0.0/8")
    Machine.objects.update(enabled=False)
    machine.refresh_from_db()
    assert refusal_of(alice, machine) == ("not_found", 404)
    assert refusal_of(admin, machine) == ("machine_disabled", 403)


def test_an_alarm_keeps_everybody_away(machine: Machine, alice: User) -> None:
    Machine.objects.update(host_key_alarm_at="2026-01-01T00:00:00Z")
    machine.refresh_from_db()
    assert refusal_of(alice, machine) == ("host_key_changed", 403)


# --- while a terminal is open


@pytest.fixture
def session(machine: Machine, alice: User) -> TerminalSession:
    return open_session(alice, machine_access.terminal_target(alice, machine, HERE), source_address=HERE)


def end_reason_of(session: TerminalSession, user: User, address: str = HERE) -> str:
    as_stored = TerminalSession.objects.get(pk=session.pk)  # as the gateway reads it, with its owner
    with pytest.raises(Refused) as caught:
        terminal_authorization.authorize(as_stored, user, address)
    assert caught.value.status != 409, "a 409 would not end an open terminal"
    return caught.value.reason


def test_the_registered_check_lets_alice_stay(session: TerminalSession, alice: User) -> None:
    terminal_authorization.authorize(session, alice, HERE)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"enabled": False}, "machine_disabled"),
        ({"host": "elsewhere"}, "machine_changed"),
        ({"username": "root"}, "machine_changed"),
        ({"host_keys": [public_key()]}, "machine_changed"),
        ({"host_key_alarm_at": "2026-01-01T00:00:00Z"}, "host_key_changed"),
    ],
)
def test_a_change_ends_her_terminal_whoever_made_it(
    session: TerminalSession, alice: User, change: dict[str, Any], reason: str
) -> None:
    Machine.objects.update(**change)
    assert end_reason_of(session, alice) == reason


def test_removed_from_the_list_or_with_the_machine(
    session: TerminalSession, machine: Machine, alice: User
) -> None:
    machine.people.clear()
    assert end_reason_of(session, alice) == "not_allowed"
    Machine.objects.all().delete()
    assert end_reason_of(session, alice) == "machine_removed"


def test_from_another_address(session: TerminalSession, alice: User) -> None:
    assert end_reason_of(session, alice, "198.51.100.4") == "cidr_denied"


def test_another_persons_session_is_none(session: TerminalSession, bob: User) -> None:
    assert end_reason_of(session, bob) == "not_found"


def test_an_administrator_no_more(admin: User) -> None:
    AccessRuleFactory.create(owner=admin, cidr="127.0.0.0/8")
    machine = MachineFactory.create()
    session = open_session(admin, machine_access.terminal_target(admin, machine, HERE), source_address=HERE)
    User.objects.update(is_superuser=False)
    assert end_reason_of(session, User.objects.get()) == "not_allowed"

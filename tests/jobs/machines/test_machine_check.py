"""The check reports how far the portal got, and stores nothing about the machine."""

import getpass
import socket
from collections.abc import Callable

import pytest

from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs.machines.machine_check import check_machine
from jobs.models import Machine
from sshgateway.certificates.authorities import new_key_fields
from tests.factories import MachineFactory
from tests.jobs.making import actor
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)
Register = Callable[..., Machine]


def test_it_works(node: Node, register: Register, admin: User) -> None:
    result = check_machine(actor(admin), register(node))
    assert (result.works, result.reason, result.shown) == (True, "works", "")
    assert (
        f"{getpass.getuser()}@127.0.0.1:{node.port} proved its host key (ssh-ed25519 SHA256:"
        in result.message
    )
    assert "admin machine:" in node.log
    event = AuditEvent.objects.get(action="jobs:machine:checked")
    assert event.after["outcome"] == "works"


def test_another_host_key_is_shown_beside_the_pinned_one_and_not_learned(
    make_node: Callable[..., Node], register: Register, admin: User
) -> None:
    known, stranger = make_node(), make_node()
    machine = register(stranger, host_keys=[known.host_key])
    result = check_machine(actor(admin), machine)
    assert (result.works, result.reason) == (False, "host_key_changed")
    assert result.shown.startswith("SHA256:")
    assert result.pinned == tuple(machine.fingerprints)
    assert result.shown not in "".join(result.pinned)
    assert "publickey" not in stranger.log
    now = Machine.objects.get()
    assert (now.host_keys, now.host_key_shown, now.host_key_alarm_at) == ([known.host_key], "", None)


def test_a_key_of_another_type(make_node: Callable[..., Node], register: Register, admin: User) -> None:
    node = make_node(key_types=["ecdsa"])
    machine = register(node, host_keys=[make_node().host_key])
    result = check_machine(actor(admin), machine)
    assert (result.reason, result.shown) == ("host_key_changed", "")


def test_a_machine_that_does_not_trust_the_portal(
    make_node: Callable[..., Node], register: Register, admin: User
) -> None:
    node = make_node(authorities=[new_key_fields()["public_key"]])
    result = check_machine(actor(admin), register(node))
    assert result.reason == "credential_refused"
    assert "did not accept the portal's certificate" in result.message


def test_nobody_there(node: Node, register: Register, admin: User) -> None:
    node.stop()
    result = check_machine(actor(admin), register(node))
    assert result.reason == "unreachable"
    assert "refused" in result.message


def test_something_else_there(admin: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        machine = MachineFactory.create(host="127.0.0.1", port=silent.getsockname()[1])
        result = check_machine(actor(admin), machine)
    assert result.reason == "handshake_failed"


def test_only_administrators(node: Node, register: Register, alice: User) -> None:
    with pytest.raises(Refused) as caught:
        check_machine(actor(alice), register(node, people=[alice]))
    assert caught.value.reason == "not_administrator"
    assert "SSH-2.0" not in node.log
    assert "publickey" not in node.log

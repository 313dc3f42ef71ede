"""Terminals on a real sshd that trusts the portal's user authority, through the real gateway and access checks."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from accounts.refusals import Refused
from jobs.machines import machine_access, machine_actions
from jobs.models import Machine
from sshgateway.certificates.authorities import new_key_fields
from sshgateway.models import TerminalSession
from tests.jobs.making import actor
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)
Register = Callable[..., Machine]


@sync_to_async
def prepare(register: Register, node: Node, **fields: Any) -> Machine:
    return register(node, **fields)


async def open_on(desk: Desk, machine: Machine, user: User) -> TerminalSession:
    target = await sync_to_async(machine_access.terminal_target)(user, machine, "127.0.0.1")
    return await desk.open(user, target)


async def ended(desk: Desk, session: TerminalSession, user: User) -> Any:
    async with desk.attach(session, user) as client:
        await client.until_closed()
    assert client.end is not None
    return client.end


async def test_alice_gets_a_shell(desk: Desk, node: Node, register: Register, alice: User) -> None:
    machine = await prepare(register, node, people=[alice])
    session = await open_on(desk, machine, alice)
    async with desk.attach(session, alice) as client:
        ready = await client.until_ready()
        await client.run("echo $((6*7))", "42")
    assert (ready.label, ready.port) == ("Login node", node.port)
    assert f"alice machine:{machine.pk} terminal" in node.log, "the machine's own log says who it was"


async def test_a_host_name_is_looked_up_and_each_of_its_addresses_tried(
    desk: Desk, node: Node, register: Register, alice: User
) -> None:
    # localhost is ::1 first on most systems, and the sshd listens on 127.0.0.1 only.
    machine = await prepare(register, node, people=[alice], host="localhost")
    session = await open_on(desk, machine, alice)
    async with desk.attach(session, alice) as client:
        await client.until_ready()


async def test_a_name_nobody_knows(desk: Desk, node: Node, register: Register, alice: User) -> None:
    machine = await prepare(register, node, people=[alice], host="no-such-host.invalid")
    end = await ended(desk, await open_on(desk, machine, alice), alice)
    assert end.reason == "unreachable"


@pytest.mark.parametrize("what", ["taken_out", "removed", "disabled"])
async def test_a_live_shell_ends(
    desk: Desk, node: Node, register: Register, alice: User, admin: User, what: str
) -> None:
    machine = await prepare(register, node, people=[alice])
    verbs: dict[str, tuple[str, Callable[[], Any]]] = {
        "taken_out": ("not_allowed", lambda: machine_actions.change_machine(actor(admin), machine, {}, [])),
        "removed": ("machine_removed", lambda: machine_actions.remove_machine(actor(admin), machine)),
        "disabled": (
            "machine_disabled",
            lambda: machine_actions.change_machine(actor(admin), machine, {"enabled": False}),
        ),
    }
    reason, verb = verbs[what]
    session = await open_on(desk, machine, alice)
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await sync_to_async(verb)()
        await client.until_closed()
    assert client.end is not None
    assert (client.end.reason, client.end.final) == (reason, True)
    assert client.end.message.endswith(".")

    async def saved() -> bool:
        return (await desk.row(session)).end_reason == reason

    await until(saved, "the end is in the row")


async def test_a_changed_host_key_sounds_the_alarm_and_nobody_is_led_there(
    desk: Desk, make_node: Callable[..., Node], register: Register, alice: User, bob: User
) -> None:
    known, stranger = await sync_to_async(make_node)(), await sync_to_async(make_node)()
    machine = await prepare(register, stranger, people=[alice], host_keys=[known.host_key])
    end = await ended(desk, await open_on(desk, machine, alice), alice)
    assert end.reason == "host_key_changed"
    assert "publickey" not in stranger.log, "no credential may be shown to a stranger"
    await machine.arefresh_from_db()
    assert machine.host_key_alarm_at is not None
    assert machine.host_key_shown.startswith("SHA256:")
    assert machine.host_keys == [known.host_key], "nothing is learned"
    with pytest.raises(Refused) as caught:
        await open_on(desk, machine, alice)
    assert caught.value.reason == "host_key_changed"


async def test_a_machine_that_trusts_somebody_else(
    desk: Desk, make_node: Callable[..., Node], register: Register, alice: User
) -> None:
    node = await sync_to_async(make_node)(authorities=[new_key_fields()["public_key"]])
    machine = await prepare(register, node, people=[alice])
    end = await ended(desk, await open_on(desk, machine, alice), alice)
    assert end.reason == "credential_refused"


async def test_an_account_the_certificate_opens_but_the_machine_has_not(
    desk: Desk, node: Node, register: Register, alice: User
) -> None:
    machine = await prepare(register, node, people=[alice], username="nobody-of-that-name")
    end = await ended(desk, await open_on(desk, machine, alice), alice)
    assert end.reason == "credential_refused"

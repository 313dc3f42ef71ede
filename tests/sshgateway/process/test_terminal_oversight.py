"""Administrators look on and end terminals: the owner is told, the audit trail too, nobody else can."""

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async

from accounts.audit.trail import Actor
from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from sshgateway.models import TerminalSession
from sshgateway.sessions import session_actions
from tests.sshgateway.conftest import Desk, SwitchableCheck
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)

WHY = "The node is needed for maintenance."


@pytest.fixture
def root(charlie: User) -> User:
    """charlie, an administrator here."""
    charlie.is_superuser = True
    charlie.save()
    return charlie


async def test_watching_is_announced_and_written_down(
    desk: Desk, node: Node, alice: User, root: User
) -> None:
    session = await desk.open(alice, node.target())
    await sync_to_async(desk.token)(root)
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await hers.run("echo secret-$((1+1))", "secret-2")
        async with desk.attach(session, root) as watching:
            await watching.until_output("secret-2")
            await hers.until(
                lambda c: c.notices == ["An administrator (charlie) is watching."], "alice is told"
            )
            await hers.until(
                lambda c: c.presence and [p.role for p in c.presence.people] == ["owner", "administrator"],
                "and sees it",
            )
            await watching.type("rm -rf /\n")
            await watching.until_closed()
        assert watching.close_reason == "view_only"
    event = await AuditEvent.objects.aget(action="sshgateway:terminal_session:watched")
    assert (event.actor_name, event.owner_name, event.source_address) == ("charlie", "alice", "127.0.0.1")


async def test_an_owner_who_was_away_is_told_on_coming_back(
    desk: Desk, node: Node, alice: User, root: User
) -> None:
    session = await desk.open(alice, node.target())
    await sync_to_async(desk.token)(root)
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
    async with desk.attach(session, root) as watching:
        await watching.until_ready()
    async with desk.attach(session, alice, offset=hers.offset) as back:
        await back.until(lambda c: c.notices == ["An administrator (charlie) is watching."], "alice is told")


async def test_no_rule_of_the_owner_keeps_oversight_out(
    desk: Desk, node: Node, alice: User, root: User, access_check: SwitchableCheck
) -> None:
    session = await desk.open(alice, node.target())
    await sync_to_async(desk.token)(root)
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        asked = len(access_check.asked)
        async with desk.attach(session, root) as watching:
            await watching.until_ready()
        assert {address for _, address in access_check.asked[asked:]} <= {"127.0.0.1"}


async def test_an_administrator_who_is_one_no_more_is_out(
    desk: Desk, node: Node, alice: User, root: User
) -> None:
    session = await desk.open(alice, node.target())
    await sync_to_async(desk.token)(root)
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        async with desk.attach(session, root) as watching:
            await watching.until_ready()
            root.is_superuser = False
            await sync_to_async(root.save)()
            await watching.until_closed()
        assert watching.end is not None
        assert watching.end.reason == "access_withdrawn"
        await hers.run("echo on-$((1+1))", "on-2")


async def test_ending_tells_the_owner_who_and_why(desk: Desk, node: Node, alice: User, root: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await sync_to_async(session_actions.end_session_as_administrator)(Actor(root), session, f"  {WHY}\n")
        await hers.until_closed()
    assert hers.end is not None
    assert (hers.end.reason, hers.end.final) == ("ended_by_administrator", True)
    assert hers.end.message == f"An administrator (charlie) ended this terminal: {WHY}"
    row = await desk.row(session)
    assert (row.end_reason, row.end_sentence) == ("ended_by_administrator", hers.end.message)
    event = await AuditEvent.objects.aget(action="sshgateway:terminal_session:ended_by_administrator")
    assert (event.actor_name, event.owner_name, event.after["why"]) == ("charlie", "alice", WHY)


@pytest.mark.parametrize("message", ["", "   ", "x" * 301, "a\x07b"])
def test_without_a_reason_nothing_ends(
    alice: User, root: User, make_session: Callable[..., TerminalSession], message: str
) -> None:
    session = make_session(alice)
    with pytest.raises(Refused) as refusal:
        session_actions.end_session_as_administrator(Actor(root), session, message)
    assert (refusal.value.reason, refusal.value.field) == ("bad_message", "message")
    session.refresh_from_db()
    assert session.ended_at is None


def test_only_administrators_end(
    alice: User, bob: User, make_session: Callable[..., TerminalSession]
) -> None:
    session = make_session(alice)
    with pytest.raises(Refused) as refusal:
        session_actions.end_session_as_administrator(Actor(bob), session, WHY)
    assert (refusal.value.reason, refusal.value.status) == ("not_administrator", 403)


def test_an_ended_terminal_ends_no_second_time(
    alice: User, root: User, make_session: Callable[..., TerminalSession]
) -> None:
    session = make_session(alice)
    session_actions.end_session(session)
    with pytest.raises(Refused) as refusal:
        session_actions.end_session_as_administrator(Actor(root), session, WHY)
    assert (refusal.value.reason, refusal.value.status) == ("session_ended", 409)
    assert not AuditEvent.objects.filter(action__contains="ended_by").exists()

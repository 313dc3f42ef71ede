"""A shared terminal: alice owns it, bob may do what she lets him, charlie finds nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from accounts.audit.trail import Actor
from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from sshgateway.authorization import terminal_authorization
from sshgateway.models import TerminalSession, TerminalShare, TerminalVisit
from sshgateway.process import gateway, session_store
from sshgateway.sessions import gateway_wakeups, session_actions, sharing
from sshgateway.terminals import participants
from sshgateway.terminals.frames import Close
from tests.sshgateway.client import Client
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


async def share(desk: Desk, session: TerminalSession, owner: User, guest: User, **may: bool) -> TerminalShare:
    await sync_to_async(desk.token)(guest)
    made, _ = await sync_to_async(sharing.share_session)(
        Actor(owner), session, guest.get_username(), may_type=may.get("may_type", False)
    )
    return made


async def refused(desk: Desk, session: TerminalSession, user: User) -> Client:
    await sync_to_async(desk.token)(user)
    async with desk.attach(session, user) as client:
        await client.until_closed()
    return client


def names(client: Client) -> list[tuple[str, str, bool]]:
    return [(one.name, one.role, one.may_type) for one in client.presence.people] if client.presence else []


async def test_a_guest_sees_output_live_and_both_see_who_is_there(
    desk: Desk, node: Node, alice: User, bob: User
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await hers.run("echo before-$((1+1))", "before-2")
        await share(desk, session, alice, bob)
        async with desk.attach(session, bob) as his:
            await his.until_output("before-2")
            await hers.run("echo live-$((1+1))", "live-2")
            await his.until_output("live-2")
            assert "a terminal of alice" in his.notices[0]
            both = [("alice", "owner", True), ("bob", "guest", False)]
            for client in (hers, his):
                await client.until(lambda c: names(c) == both, "both are named")
            assert his.presence is not None
            assert (his.presence.role, his.presence.owner, his.presence.may_type) == (
                "guest",
                "alice",
                False,
            )
            assert [one.address for one in his.presence.people] == [None, None], "not a guest's business"
            assert hers.presence is not None
            assert [one.address for one in hers.presence.people] == ["127.0.0.1", "127.0.0.1"]
        await hers.until(lambda c: names(c) == both[:1], "bob is gone")
    assert (await TerminalVisit.objects.aget()).left_at is not None
    joined = await AuditEvent.objects.aget(action="sshgateway:terminal_session:joined")
    assert (joined.actor_name, joined.owner_name) == ("bob", "alice")


async def test_who_may_only_watch_types_nothing(desk: Desk, node: Node, alice: User, bob: User) -> None:
    session = await desk.open(alice, node.target())
    marker = node.folder / "typed"
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob)
        async with desk.attach(session, bob) as his:
            await his.until_ready()
            await his.type(f"touch {marker}\n")
            await his.until_closed()
        assert (his.close_code, his.close_reason) == (4400, "view_only")
        assert his.end is not None
        assert his.end.message == "alice lets you watch this terminal, not type in it."
        await hers.run("echo after-$((1+1))", "after-2")
    assert not marker.exists()


async def test_who_may_type_types_and_does_not_close_or_resize(
    desk: Desk, node: Node, alice: User, bob: User
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice, cols=90, rows=30) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob, may_type=True)
        async with desk.attach(session, bob, cols=40, rows=10) as his:
            await his.until_ready()
            await his.run("echo his-$((1+1))", "his-2")
            await hers.until_output("his-2")
            await his.resize(33, 9)
            await his.run("echo size-$(stty size | tr ' ' x)", "size-30x90")
            assert his.presence is not None
            assert (his.presence.cols, his.presence.rows) == (90, 30)
            await hers.resize(100, 31)
            await his.until(lambda c: c.presence and c.presence.cols == 100, "the size is told")
            await his.send(Close())
            await his.until_closed()
        assert his.close_reason == "not_owner"
        await hers.run("echo open-$((1+1))", "open-2")


async def test_typing_can_be_given_and_taken_while_they_are_there(
    desk: Desk, node: Node, alice: User, bob: User
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob)
        async with desk.attach(session, bob) as his:
            await his.until_ready()
            await share(desk, session, alice, bob, may_type=True)
            await his.until(lambda c: c.presence and c.presence.may_type, "bob may type")
            await his.run("echo now-$((1+1))", "now-2")
            await share(desk, session, alice, bob, may_type=False)
            await his.until(lambda c: c.presence and not c.presence.may_type, "no more")
            await his.type("echo late-$((1+1))\n")  # as if it had been under way
            await hers.run("echo calm-$((1+1))", "calm-2")
            assert b"late-" not in hers.output
            assert his.close_code is None, "a key that was under way throws nobody out"


@pytest.mark.parametrize("message", [True, False])
async def test_a_share_taken_back_ends_their_windows_only(
    desk: Desk, node: Node, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, message: bool
) -> None:
    session = await desk.open(alice, node.target())
    if not message:
        monkeypatch.setattr(gateway_wakeups, "wake_gateways", lambda sessions: None)
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        made = await share(desk, session, alice, bob)
        async with desk.attach(session, bob) as first, desk.attach(session, bob) as second:
            await first.until_ready()
            await second.until_ready()
            assert await sync_to_async(sharing.revoke_share)(Actor(alice), made)
            for client in (first, second):
                await client.until_closed()
                assert client.end is not None
                assert (client.end.reason, client.end.final) == ("share_revoked", False)
                assert client.end.message == "alice does not share this terminal with you any more."
                assert client.close_code == 4403
        assert not await sync_to_async(sharing.revoke_share)(Actor(alice), made), "once is enough"
        await hers.run("echo mine-$((1+1))", "mine-2")
        assert (await refused(desk, session, bob)).close_code == 4404


async def test_a_share_ends_with_its_session(desk: Desk, node: Node, alice: User, bob: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob)
        async with desk.attach(session, bob) as his:
            await his.until_ready()
            await hers.close_shell()
            await his.until_closed()
        assert his.end is not None
        assert (his.end.reason, his.end.message) == ("closed_by_owner", "alice closed this terminal.")
    assert (await refused(desk, session, bob)).close_code == 4404
    assert not [share async for share in sharing.shares(session)]
    assert not [share async for share in sharing.shared_with(bob)]


async def test_nobody_else_finds_it(desk: Desk, node: Node, alice: User, bob: User, charlie: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob)
        assert (await refused(desk, session, charlie)).close_code == 4404


async def test_a_guest_does_not_start_the_shell(desk: Desk, node: Node, alice: User, bob: User) -> None:
    session = await desk.open(alice, node.target())
    await share(desk, session, alice, bob)
    early = await refused(desk, session, bob)
    assert (early.close_code, early.close_reason) == (4409, "not_started")
    assert (await desk.row(session)).attached_at is None


async def test_the_owners_rules_hold_for_a_guests_address(
    desk: Desk, node: Node, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await desk.open(alice, node.target())
    asked: list[tuple[str, str]] = []

    def only_hers(session: TerminalSession, user: User, address: str) -> None:
        asked.append((user.get_username(), address))
        if address == "192.0.2.9":
            raise Refused("cidr_denied", "Your address 192.0.2.9 is in no access rule.", status=403)

    monkeypatch.setitem(terminal_authorization._checks, "test", only_hers)
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob)
        refusal = await sync_to_async(session_store.admit)(session, bob, "192.0.2.9", "page")
        assert ("alice", "192.0.2.9") in asked, "the owner's rules, the guest's address"
        assert getattr(refusal, "reason", "") == "cidr_denied"
        assert "192.0.2.9 is in none of alice's access rules" in getattr(refusal, "message", "")
        async with desk.attach(session, bob) as his:
            await his.until_ready()


async def test_a_rule_that_shuts_a_guest_out_leaves_the_owner_in(
    desk: Desk, node: Node, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await desk.open(alice, node.target())
    shut = False
    asked: set[str] = set()

    def not_bob(session: TerminalSession, user: User, address: str) -> None:
        asked.add(address)
        if shut and address == "127.0.0.1":
            raise Refused("cidr_denied", "not from here", status=403)

    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob)
        async with desk.attach(session, bob) as his:
            await his.until_ready()
            # alice comes from elsewhere as far as the gateway knows; only bob's address is shut out.
            for terminal in _terminals():
                for member in terminal.participants.members:
                    if member.participant.is_owner:
                        member.source_address = "127.0.0.2"
            monkeypatch.setitem(terminal_authorization._checks, "test", not_bob)

            async def looked() -> bool:
                return "127.0.0.2" in asked

            await until(looked, "a look at the rows that knows her other address")
            shut = True
            await sync_to_async(session_actions.request_recheck)(owner=alice)
            await his.until_closed()
        assert his.end is not None
        assert (his.end.reason, his.end.final) == ("cidr_denied", False)
        await hers.run("echo still-$((1+1))", "still-2")


@pytest.mark.parametrize("what", ["deactivated", "signed_out"])
async def test_a_guest_who_is_no_more_signed_in_is_out(
    desk: Desk, node: Node, alice: User, bob: User, what: str
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob)
        async with desk.attach(session, bob) as his:
            await his.until_ready()
            if what == "deactivated":
                bob.is_active = False
                await sync_to_async(bob.save)()
            else:
                await sync_to_async(bob.api_tokens.all().delete)()
            await his.until_closed()
        assert his.end is not None
        assert his.end.reason == ("share_revoked" if what == "deactivated" else "not_signed_in")
        await hers.run("echo still-$((1+1))", "still-2")


async def test_a_permission_nobody_confirms_lapses(
    desk: Desk, node: Node, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the rows cannot be read, a guest is served for seconds, not for as long as that takes."""
    monkeypatch.setattr(participants, "CONFIRMED_SECONDS", 1.0)
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob)

        def away(*args: object) -> None:
            raise OSError("the database is away")

        async with desk.attach(session, bob) as his:
            await his.until_ready()
            monkeypatch.setattr(session_store, "review", away)
            await hers.run("for i in 1 2 3 4; do sleep 1; echo tick-$i; done", "tick-4")
            await his.until_closed()
        assert his.end is not None
        assert his.end.reason == "not_confirmed"
        assert b"tick-4" not in his.output


async def test_guests_do_not_crowd_the_owner_out(desk: Desk, node: Node, alice: User, bob: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as hers:
        await hers.until_ready()
        await share(desk, session, alice, bob)
        guests = [desk.attach(session, bob) for _ in range(participants.MAX_GUESTS)]
        for guest in guests:
            await guest.__aenter__()
            await guest.until_ready()
        assert (await refused(desk, session, bob)).close_reason == "too_many_sockets"
        async with desk.attach(session, alice) as another:
            await another.until_ready()
        for guest in guests:
            await guest.__aexit__(None, None, None)


def _terminals() -> list[Any]:
    return [terminal for one in gateway._gateways.values() for terminal in one.terminals]


# --- refusals of the verb
# -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "reason", "field"),
    [
        ("nobody-here", "no_such_person", "person"),
        ("alice", "own_session", "person"),
        ("", "no_such_person", "person"),
    ],
)
def test_sharing_with_nobody(
    alice: User, make_session: Callable[..., TerminalSession], username: str, reason: str, field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        sharing.share_session(Actor(alice), make_session(alice), username, may_type=False)
    assert (refusal.value.reason, refusal.value.field, refusal.value.status) == (reason, field, 400)
    assert refusal.value.message.endswith(".")


def test_only_the_owner_shares(
    alice: User, bob: User, charlie: User, make_session: Callable[..., TerminalSession]
) -> None:
    session = make_session(alice)
    share_of_bob, _ = sharing.share_session(Actor(alice), session, "bob", may_type=True)
    for verb in (
        lambda: sharing.share_session(Actor(bob), session, "charlie", may_type=False),
        lambda: sharing.revoke_share(Actor(bob), share_of_bob),
    ):
        with pytest.raises(Refused) as refusal:
            verb()
        assert (refusal.value.reason, refusal.value.status) == ("not_owner", 403)


def test_an_ended_terminal_is_not_shared(
    alice: User, bob: User, make_session: Callable[..., TerminalSession]
) -> None:
    session = make_session(alice)
    session_actions.end_session(session)
    with pytest.raises(Refused) as refusal:
        sharing.share_session(Actor(alice), session, "bob", may_type=False)
    assert (refusal.value.reason, refusal.value.status) == ("session_ended", 409)


def test_sharing_is_written_down_and_saying_it_twice_is_not(
    alice: User, bob: User, make_session: Callable[..., TerminalSession]
) -> None:
    session = make_session(alice)
    first, new = sharing.share_session(Actor(alice), session, "bob", may_type=False)
    again, twice = sharing.share_session(Actor(alice), session, "bob", may_type=False)
    changed, third = sharing.share_session(Actor(alice), session, "bob", may_type=True)
    assert (new, twice, third) == (True, False, False)
    assert first.pk == again.pk == changed.pk
    sharing.revoke_share(Actor(alice), changed)
    actions = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    assert [action.rpartition(":")[2] for action in actions] == ["shared", "share_changed", "share_revoked"]
    assert session.pk not in str(list(AuditEvent.objects.values())), (
        "the id opens the shell to its owner's cookie"
    )


def test_not_with_a_crowd(
    alice: User,
    bob: User,
    charlie: User,
    make_session: Callable[..., TerminalSession],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sharing, "SHARES_PER_SESSION", 1)
    session = make_session(alice)
    sharing.share_session(Actor(alice), session, "bob", may_type=False)
    with pytest.raises(Refused) as refusal:
        sharing.share_session(Actor(alice), session, "charlie", may_type=False)
    assert (refusal.value.reason, refusal.value.status) == ("too_many_shares", 409)

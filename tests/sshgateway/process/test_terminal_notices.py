"""A sentence for a subject reaches every open terminal of it, once."""

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from sshgateway.models import TerminalNotice
from sshgateway.process import gateway
from sshgateway.sessions import gateway_wakeups, session_actions
from sshgateway.terminals.terminal import Terminal
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)

WARNING = "This node shuts down in 5 minutes. Save your work."


def terminals() -> list[Terminal]:
    return [terminal for one in gateway._gateways.values() for terminal in one.terminals]


async def _say(subject: str, sentence: str = WARNING) -> int:
    return await sync_to_async(session_actions.post_notice)(subject=subject, sentence=sentence)


async def test_every_window_of_the_subject_shows_it_and_no_other(
    desk: Desk, node: Node, alice: User, bob: User
) -> None:
    session = await desk.open(alice, node.target())
    other = await desk.open(bob, node.target(subject="test:2"))
    async with (
        desk.attach(session, alice) as first,
        desk.attach(session, alice) as second,
        desk.attach(other, bob) as elsewhere,
    ):
        for client in (first, second, elsewhere):
            await client.until_ready()
        assert await _say("test:1") == 1
        for client in (first, second):
            await client.until(lambda c: c.notices == [WARNING], "the sentence")
        await elsewhere.run("echo quiet-$((1+1))", "quiet-2")
        assert elsewhere.notices == []


async def test_said_twice_is_shown_once(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        assert await _say("test:1") == 1
        await client.until(lambda c: c.notices, "the sentence")
        assert await _say("test:1") == 0
        assert await _say("test:1", "This node shuts down now.") == 1
        await client.until(lambda c: len(c.notices) > 1, "the next sentence")
    assert client.notices == [WARNING, "This node shuts down now."]


async def test_without_a_message_it_takes_seconds(
    desk: Desk, node: Node, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_wakeups, "wake_gateways", lambda sessions: None)
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await _say("test:1")
        await client.until(lambda c: c.notices == [WARNING], "the sentence")


async def test_it_waits_for_somebody_to_read_it(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()

    async def left() -> bool:
        return not any(terminal.attachments for terminal in terminals())

    await until(left, "nobody is attached")
    await _say("test:1")
    async with desk.attach(session, alice, offset=client.offset) as back:
        await back.until(lambda c: c.notices == [WARNING], "the sentence")


async def test_an_ended_session_is_told_nothing(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    await sync_to_async(session_actions.end_session)(session)
    assert await _say("test:1") == 0
    assert not await TerminalNotice.objects.aexists()

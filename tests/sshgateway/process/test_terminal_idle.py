"""A terminal nobody types in says that it will close, counts down, stops for any key, and closes."""

import pytest
from pytest_django import Settings

from accounts.models import User
from sshgateway.terminals.frames import Idle, decode_server, encode
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def short(settings: Settings) -> None:
    """Four seconds, the last two of them announced."""
    settings.HEADNODE_TERMINAL_IDLE_SECONDS = 4
    settings.HEADNODE_TERMINAL_IDLE_WARNING_SECONDS = 2


@pytest.fixture
def early(settings: Settings) -> None:
    """As short, but the countdown is as long as half of a longer time: whoever types under load is still in time."""
    settings.HEADNODE_TERMINAL_IDLE_SECONDS = 12
    settings.HEADNODE_TERMINAL_IDLE_WARNING_SECONDS = 6


async def test_it_warns_counts_down_and_closes(short: None, desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.until(lambda c: c.idle, "the countdown")
        (left,) = client.idle
        assert left in (1, 2), "less than two seconds may be left by then"
        assert f"closes in {left} seconds" in client.notices[-1]
        await client.until_closed()
        assert client.end is not None
        assert (client.end.reason, client.end.final) == ("idle", True)
    assert (await desk.row(session)).end_reason == "idle"


async def test_any_key_stops_the_countdown(early: None, desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.until(lambda c: c.idle, "the countdown")
        await client.run("echo here-$((1+1))", "here-2")
        await client.until(lambda c: c.idle[-1] is None, "it stops")
        # It begins again from the start, and is announced again.
        await client.until(lambda c: len(c.idle) == 3, "the next countdown")
        assert client.idle[1] is None
        assert {client.idle[0], client.idle[2]} <= set(range(1, 7))
        assert client.end is None


async def test_whoever_comes_back_during_the_countdown_is_told(
    early: None, desk: Desk, node: Node, alice: User
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.until(lambda c: c.idle, "the countdown")
        async with desk.attach(session, alice) as second:
            await second.until(lambda c: c.idle, "the second window knows")
            assert second.idle[0] in range(1, 7)


async def test_without_a_limit_nothing_is_said(
    settings: Settings, desk: Desk, node: Node, alice: User
) -> None:
    settings.HEADNODE_TERMINAL_IDLE_SECONDS = 0
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("sleep 3; echo slept-$((1+1))", "slept-2")
        assert client.idle == []


@pytest.mark.parametrize("seconds", [120, None])
def test_the_frame_reads_as_it_was_written(seconds: int | None) -> None:
    assert decode_server(encode(Idle(seconds))) == Idle(seconds)


async def test_time_without_a_browser_counts_as_idle(
    short: None, desk: Desk, node: Node, alice: User
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()

    async def end_reason() -> str:
        return (await desk.row(session)).end_reason

    assert await until(end_reason, "the session ends") == "idle", "long before nobody may come back any more"

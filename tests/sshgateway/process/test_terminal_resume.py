"""A dropped socket leaves the shell; whoever comes back continues at the byte where it was."""

import asyncio

import pytest
from pytest_django import Settings

from accounts.models import User
from tests.sshgateway.client import Client
from tests.sshgateway.conftest import Desk, until
from tests.sshgateway.sshd import Node
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


async def test_reattach_continues_without_loss_or_doubling(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    marker = node.folder / "written"
    async with desk.attach(session, alice) as first:
        await first.until_ready()
        await first.run("echo first-$((1+1))", "first-2")
        # Prints on while nobody is there; the marker says that it did.
        await first.type(f"sleep 0.5; echo; seq 1 20000; touch {marker}; echo last-$((1+1))\n")
        await first.until_output("touch")
    await asyncio.to_thread(wait_for, marker.exists, "the shell prints on without us")
    async with desk.attach(session, alice, offset=first.offset) as second:
        ready = await second.until_ready()
        assert (ready.offset, ready.skipped) == (first.offset, 0)
        await second.until_output("last-2")
    whole = (first.output + second.output).replace(b"\r\n", b"\n")
    numbers = [int(line) for line in whole.split(b"\n") if line.isdigit()]
    assert numbers == list(range(1, 20001))


async def test_a_fresh_window_sees_what_was_printed(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as first:
        await first.until_ready()
        await first.run("echo seen-$((1+1))", "seen-2")
        async with desk.attach(session, alice) as second:
            ready = await second.until_ready()
            # Questions to the terminal that are in this part were answered by the first window.
            assert ready.printed >= first.output.index(b"seen-2")
            await second.until_output("seen-2")
            await second.run("echo both-$((1+1))", "both-2")
            await first.until_output("both-2")


async def test_an_offset_beyond_what_was_printed_is_refused(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice, offset=10**15) as client:
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, "bad_offset")


def test_a_closed_laptop_ends_no_shell_for_hours(settings: Settings) -> None:
    assert settings.HEADNODE_TERMINAL_GRACE_SECONDS == 8 * 3600
    assert settings.HEADNODE_TERMINAL_GRACE_SECONDS < settings.HEADNODE_TERMINAL_IDLE_SECONDS


async def test_a_program_runs_on_while_nobody_is_there(desk: Desk, node: Node, alice: User) -> None:
    """Much longer than the program is held back, with the limit that the portal has."""
    session = await desk.open(alice, node.target())
    marker = node.folder / "done"
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.type(f"seq 200000; sleep 1; touch {marker}; echo last-$((1+1))\n")
    await asyncio.to_thread(wait_for, marker.exists, "it runs on")
    async with desk.attach(session, alice) as again:
        await again.until_output("last-2")


async def test_modes_come_first_when_output_is_missing(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as first:
        await first.until_ready()
        await first.run(r"printf '\e[?1049h\e[?1002;1006h\e[?25l'; seq 100000; echo last-$((1+1))", "last-2")
        async with desk.attach(session, alice) as second:
            ready = await second.until_ready()
            await second.until_output("last-2")
        assert ready.skipped > 0
        begin = second.output[:400]
        assert all(part in begin for part in (b"\x1b[?1049h", b"\x1b[?1002h", b"\x1b[?1006h", b"\x1b[?25l"))
        rest = second.output[-100_000:]
        assert first.output.endswith(rest) or rest in first.output, "then what was printed, at its own offset"


async def test_a_shell_nobody_comes_back_to_ends(
    desk: Desk, node: Node, alice: User, settings: Settings
) -> None:
    settings.HEADNODE_TERMINAL_GRACE_SECONDS = 0.5
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()

    async def end_reason() -> str:
        return (await desk.row(session)).end_reason

    assert await until(end_reason, "the session ends") == "detached"


def _answers(client: Client) -> bool:
    """Whether it was told to answer programs' questions; it must know who is here."""
    assert client.presence is not None
    return client.presence.answers


async def test_of_two_windows_the_one_that_was_typed_in_answers_programs(
    desk: Desk, node: Node, alice: User
) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as first:
        await first.until(lambda c: c.presence and _answers(c), "the only window answers")
        async with desk.attach(session, alice) as second:
            await second.until(lambda c: c.presence, "it is told who is here")
            assert not _answers(second)
            await second.run("echo typed-$((1+1))", "typed-2")
            assert _answers(second), "told before what its typing brought"
            await first.until(lambda c: not _answers(c), "the other one keeps quiet")
        await first.until(_answers, "it is the only one again")

"""What is due to a client goes to its socket at once, and piles up nowhere when the client does not read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sshgateway.process.delivery import DirectDelivery
from sshgateway.terminals.attachment import Attachment
from sshgateway.terminals.end_reasons import EndReason, end_for
from sshgateway.terminals.frames import Ended, Output, Presence, decode_server
from sshgateway.terminals.participants import Participants
from sshgateway.terminals.terminal import Terminal
from tests.portal.endpoint import Endpoint, connected
from tests.sshgateway.shells import OWNER, PrintingShell, SilentSink, attach
from tests.waiting import LIMIT

PIECE = b"@" * 64 * 1024
# What the loop says is full, and a frame that was begun before.
MOST_UNSENT = 64 * 1024 + len(PIECE) + 64


@dataclass
class Scene:
    """A terminal with two windows: one of its own socket, and one the test itself is."""

    terminal: Terminal
    shell: PrintingShell
    end: Endpoint
    window: Attachment
    other: Attachment
    delivering: "asyncio.Task[Ended]"

    async def frames(self, *kinds: type) -> list[object]:
        """What the client has got so far, of these kinds."""
        await asyncio.sleep(0)
        self.end.client.setblocking(False)
        got = self.end.client.recv(1 << 20)
        found = []
        while got:
            size, begin = got[1], 2
            if size == 126:
                size, begin = int.from_bytes(got[2:4], "big"), 4
            found.append(decode_server(got[begin : begin + size]))
            got = got[begin + size :]
        return [one for one in found if isinstance(one, kinds)]


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    async with connected() as end:
        shell = PrintingShell()
        terminal = Terminal(shell, lambda ended: None, Participants("alice", (80, 24)))
        delivery = DirectDelivery(end.direct, lambda message: None)
        other = attach(terminal, OWNER, SilentSink())
        window = attach(terminal, OWNER, delivery)
        assert end.client.recv(4096).startswith(b"HTTP/1.1 101")
        delivering = asyncio.create_task(delivery.run(partial(terminal.take_frames, window)))
        await asyncio.sleep(0)
        yield Scene(terminal, shell, end, window, other, delivering)
        delivering.cancel()
        await asyncio.wait([delivering])


async def test_output_is_on_the_socket_when_the_shell_s_call_returns() -> None:
    async with scene() as here:
        await here.frames()
        here.shell.listener.shell_printed(b"hello")
        assert here.end.unsent == 0
        here.end.client.setblocking(False)
        assert here.end.client.recv(4096).endswith(b"hello")


async def test_news_of_one_moment_are_told_once() -> None:
    async with scene() as here:
        await here.frames()
        for size in range(100):
            here.terminal.resize(here.other, 80 + size, 24)
        (told,) = await here.frames(Presence)
        assert isinstance(told, Presence)
        assert told.cols == 179


async def test_whoever_acknowledges_without_reading_is_sent_no_more() -> None:
    async with scene() as here:
        for _ in range(100):
            here.shell.listener.shell_printed(PIECE)
            here.terminal.acknowledge(here.window, here.window.sent)
        assert not here.end.direct.has_room
        assert here.end.unsent <= MOST_UNSENT


async def test_news_and_single_bytes_do_not_pile_up_behind_a_client_that_does_not_read() -> None:
    async with scene() as here:
        while here.end.direct.has_room:
            here.shell.listener.shell_printed(PIECE)
            here.terminal.acknowledge(here.window, here.window.sent)
        unsent = here.end.unsent
        for number in range(1000):
            here.terminal.resize(here.other, 80 + number % 2, 24)
            here.terminal.notify(f"sentence {number}")
            here.shell.listener.shell_printed(b"x")
            await asyncio.sleep(0)
        assert here.end.unsent <= unsent


async def test_it_goes_on_where_it_was_when_the_client_reads_again() -> None:
    async with scene() as here:
        printed = b""
        while here.end.direct.has_room and here.window.credit > 0:
            here.shell.listener.shell_printed(PIECE)
            printed += PIECE
        here.shell.listener.shell_printed(b"the end")
        here.end.client.settimeout(LIMIT)
        got, shown = b"", 0
        while b"the end" not in got[-7:]:
            got += await asyncio.to_thread(here.end.client.recv, 1 << 20)
            shown = here.window.sent
            here.terminal.acknowledge(here.window, shown)
        assert shown == len(printed) + 7
        assert got.count(b"@") == len(printed)


async def test_the_end_is_sent_and_nothing_after_it() -> None:
    async with scene() as here:
        await here.frames()
        here.shell.listener.shell_printed(b"last words")
        here.terminal.end(end_for(EndReason.IDLE))
        ended = await here.delivering
        assert (ended.reason, ended.final) == ("idle", True)
        here.shell.listener.shell_printed(b"too late")
        *_, output, last = await here.frames(Output, Ended)
        assert isinstance(output, Output)
        assert output.data == b"last words"
        assert last == ended


async def test_a_window_that_has_left_is_not_the_one_that_answers() -> None:
    async with scene() as here:
        here.terminal.detach(here.window)
        here.terminal.type(here.window, b"x")
        assert here.terminal.participants.answers(here.other)


async def test_nothing_is_sent_before_the_delivery_runs() -> None:
    """READY goes out first, through ASGI; what the shell prints meanwhile follows it."""
    async with connected() as end:
        shell = PrintingShell()
        terminal = Terminal(shell, lambda ended: None, Participants("alice", (80, 24)))
        delivery = DirectDelivery(end.direct, lambda message: None)
        window = attach(terminal, OWNER, delivery)
        shell.listener.shell_printed(b"early")
        await asyncio.sleep(0)
        assert end.client.recv(4096).endswith(b"\r\n\r\n"), "the answer to the handshake and nothing more"
        running = asyncio.create_task(delivery.run(partial(terminal.take_frames, window)))
        await asyncio.sleep(0)
        assert end.client.recv(4096).endswith(b"early")
        running.cancel()
        await asyncio.wait([running])

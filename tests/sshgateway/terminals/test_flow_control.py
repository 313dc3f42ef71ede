"""How much a shell may print: as far as the quickest client reads, and on when nobody is there any more."""

import asyncio

import pytest

from sshgateway.terminals import terminal as terminal_module
from sshgateway.terminals.attachment import WINDOW, Attachment, ClientIdentity
from sshgateway.terminals.frames import Output
from sshgateway.terminals.participants import Participants
from sshgateway.terminals.terminal import GRANT_STEP, Terminal
from tests.sshgateway.shells import OWNER, PrintingShell, SilentSink, attach
from tests.waiting import LIMIT


class MeteredShell(PrintingShell):
    """Prints no more than it was granted, as a node does."""

    def __init__(self) -> None:
        super().__init__()
        self.printed = 0
        self.allowed = WINDOW
        self.was_granted = asyncio.Event()

    def grant(self, size: int) -> None:
        assert size > 0
        self.allowed += size
        self.was_granted.set()

    def print_all(self) -> int:
        """Print as much as is allowed now; return how many bytes that was."""
        size = self.allowed - self.printed
        self.printed += size
        if size:
            self.listener.shell_printed(b"x" * size)
        return size


@pytest.fixture
async def shell() -> MeteredShell:
    return MeteredShell()


@pytest.fixture
async def terminal(shell: MeteredShell) -> Terminal:
    return Terminal(shell, lambda ended: None, Participants("alice", (80, 24)))


def read_all(terminal: Terminal, client: Attachment) -> int:
    """Take every frame there is for a client and acknowledge its output; return how many bytes of it there were."""
    size = 0
    for frame in terminal.take_frames(client):
        if isinstance(frame, Output):
            size += len(frame.data)
            terminal.acknowledge(client, frame.offset + len(frame.data))
    return size


async def test_a_silent_client_does_not_hold_back_the_shell_for_a_quick_one(
    terminal: Terminal, shell: MeteredShell
) -> None:
    quick, silent = (attach(terminal, OWNER, SilentSink()) for _ in range(2))
    read = 0
    for _ in range(20):
        shell.print_all()
        read += read_all(terminal, quick)
    assert read == shell.printed >= 20 * GRANT_STEP
    assert silent.acked == 0


async def test_with_only_silent_clients_the_shell_prints_one_window(
    terminal: Terminal, shell: MeteredShell
) -> None:
    clients = [attach(terminal, OWNER, SilentSink()) for _ in range(2)]
    shell.print_all()
    for client in clients:
        taken = [frame for frame in terminal.take_frames(client) if isinstance(frame, Output)]
        assert sum(len(frame.data) for frame in taken) == WINDOW
    assert shell.print_all() == 0
    assert shell.printed == WINDOW


async def test_the_shell_is_granted_what_was_read_and_never_more_than_a_window_ahead(
    terminal: Terminal, shell: MeteredShell
) -> None:
    client = attach(terminal, OWNER, SilentSink())
    shell.print_all()
    list(terminal.take_frames(client))
    for acked in (GRANT_STEP - 1, GRANT_STEP, 3 * GRANT_STEP - 1, 3 * GRANT_STEP, WINDOW):
        terminal.acknowledge(client, acked)
        assert shell.allowed == acked // GRANT_STEP * GRANT_STEP + WINDOW or shell.allowed <= acked + WINDOW
        assert shell.allowed > acked + WINDOW - GRANT_STEP


async def test_when_the_quick_client_leaves_the_slow_one_is_who_counts(
    terminal: Terminal, shell: MeteredShell
) -> None:
    quick, slow = (attach(terminal, OWNER, SilentSink()) for _ in range(2))
    shell.print_all()
    read_all(terminal, quick)
    shell.print_all()
    terminal.detach(quick)
    assert shell.print_all() == 0
    while shell.print_all() or read_all(terminal, slow):
        if shell.printed > 4 * WINDOW:
            break
    assert shell.printed > 4 * WINDOW


async def test_a_shell_whose_last_client_left_in_a_flood_waits_and_then_prints_on(
    terminal: Terminal, shell: MeteredShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_module, "PATIENCE_SECONDS", 0.05)
    client = attach(terminal, OWNER, SilentSink())
    shell.print_all()
    read_all(terminal, client)
    shell.print_all()
    terminal.detach(client)
    assert shell.print_all() == 0, "the client may come back: what it has not seen is kept"
    shell.was_granted.clear()
    async with asyncio.timeout(LIMIT):
        await shell.was_granted.wait()
    before = shell.printed
    while shell.printed < before + 4 * WINDOW:
        assert shell.print_all() > 0, f"blocked after {shell.printed - before} bytes"


async def test_a_client_that_comes_back_in_time_misses_nothing(
    terminal: Terminal, shell: MeteredShell
) -> None:
    client = attach(terminal, OWNER, SilentSink())
    shell.print_all()
    seen = read_all(terminal, client)
    shell.print_all()
    terminal.detach(client)
    assert shell.print_all() == 0
    back = terminal.attach(_identity(client), SilentSink(), offset=seen, cols=80, rows=24)
    assert back.sent == seen
    assert read_all(terminal, back) == shell.printed - seen
    assert shell.print_all() > 0


def _identity(client: Attachment) -> ClientIdentity:
    return ClientIdentity(client.participant, client.source_address, client.credential)

"""Where a client continues: offsets without a gap, and the modes first when it misses something."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshgateway.terminals.attachment import WINDOW
from sshgateway.terminals.frames import Notice, Output
from sshgateway.terminals.output_history import OutputHistory
from sshgateway.terminals.participants import Participants
from sshgateway.terminals.terminal import Terminal
from tests.sshgateway.shells import OWNER, PrintingShell, SilentSink, attach
from tests.sshgateway.terminals.reference_terminal import ReferenceTerminal

CAPACITY = 20_000
START_VIM = b"$ vim\r\n\x1b[?1049h\x1b[?2004h\x1b[?1002;1006h\x1b[?25l"


def test_whoever_misses_nothing_gets_no_modes() -> None:
    history = OutputHistory(CAPACITY)
    history.append(START_VIM)
    for offset in (0, 5, history.end):
        assert (history.resume(offset).offset, history.resume(offset).modes) == (offset, b"")


@given(
    st.lists(st.sampled_from([START_VIM, b"x" * 3000, b"\x1b[?25h", b"\x1b[?10", b"49l", b"\x1b[31m", "é".encode()]),
             min_size=8, max_size=60),
    st.integers(0, 2_000_000),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_a_client_that_continues_ends_up_in_the_same_modes(pieces: list[bytes], offset: int) -> None:
    history, whole, screen = OutputHistory(CAPACITY), b"".join(pieces), ReferenceTerminal()
    for piece in pieces:
        history.append(piece)
    offset %= len(whole) + 1
    screen.feed(whole[:offset])
    resumption = history.resume(offset)
    assert resumption.offset >= offset, "nothing comes twice"
    assert resumption.printed_from >= history.start
    if resumption.modes:
        screen.feed(b"\x18" + resumption.modes)
    screen.feed(history.read(resumption.printed_from, 10**9))
    complete = ReferenceTerminal()
    complete.feed(whole)
    assert screen.state() == complete.state()


def test_who_misses_a_single_byte_still_gets_the_modes() -> None:
    history = OutputHistory(CAPACITY)
    history.append(START_VIM)
    for _ in range(10):
        history.append(b"y" * 4000)
    resumption = history.resume(history.start - 1)
    assert b"\x1b[?1049h" in resumption.modes
    assert resumption.offset == history.start - 1
    assert resumption.printed_from - history.start < 300, "and loses little of what is kept"


@pytest.fixture
async def shell() -> PrintingShell:
    return PrintingShell()


@pytest.fixture
async def terminal(shell: PrintingShell) -> Terminal:
    return Terminal(shell, lambda ended: None, Participants("alice", (80, 24)))


def outputs(terminal: Terminal, client: object) -> list[Output]:
    return [frame for frame in terminal.take_frames(client) if isinstance(frame, Output)]  # type: ignore[arg-type]


async def test_another_device_after_much_output_is_told_the_modes(
    terminal: Terminal, shell: PrintingShell
) -> None:
    shell.listener.shell_printed(START_VIM)
    for number in range(20):
        shell.listener.shell_printed(b"%05d" % number * 4000)
    window = attach(terminal, OWNER, SilentSink())
    begin = window.sent
    assert begin > 0
    first, *rest = outputs(terminal, window)
    assert first.offset == begin
    assert all(part in first.data for part in (b"\x1b[?1049h", b"\x1b[?2004h", b"\x1b[?1002h", b"\x1b[?25l"))
    at = first.offset + len(first.data)
    for frame in rest:
        assert frame.offset == at, "no gap"
        at += len(frame.data)
    assert at - begin <= WINDOW
    terminal.acknowledge(window, at)
    assert outputs(terminal, window)[0].offset == at


async def test_modes_that_were_not_fetched_in_time_are_told_as_they_are_later(
    terminal: Terminal, shell: PrintingShell
) -> None:
    shell.listener.shell_printed(START_VIM)
    for _ in range(20):
        shell.listener.shell_printed(b"x" * 20_000)
    slow = attach(terminal, OWNER, SilentSink())
    shell.listener.shell_printed(b"\x1b[?1049l\x1b[?1002l")
    for _ in range(20):
        shell.listener.shell_printed(b"y" * 20_000)
    notice, *frames = (frame for frame in terminal.take_frames(slow) if isinstance(frame, Notice | Output))
    assert isinstance(notice, Notice)
    first = frames[0]
    assert isinstance(first, Output)
    assert b"\x1b[?1049h" not in first.data
    assert b"\x1b[?1049l" in first.data


async def test_a_window_that_fell_behind_is_told_the_modes(terminal: Terminal, shell: PrintingShell) -> None:
    quick, slow = attach(terminal, OWNER, SilentSink()), attach(terminal, OWNER, SilentSink())
    shell.listener.shell_printed(b"$ ")
    assert outputs(terminal, slow)
    shell.listener.shell_printed(START_VIM)
    for _ in range(30):
        shell.listener.shell_printed(b"z" * 20_000)
        for frame in outputs(terminal, quick):
            terminal.acknowledge(quick, frame.offset + len(frame.data))
    notice, first, *_ = (frame for frame in terminal.take_frames(slow) if isinstance(frame, Notice | Output))
    assert isinstance(notice, Notice)
    assert isinstance(first, Output)
    assert b"\x1b[?1049h" in first.data

"""A terminal without a network: who may do what, questions that change nothing, and how a faulty shell ends."""

import asyncio
from dataclasses import replace

import pytest

from sshgateway.terminals import participants as rules
from sshgateway.terminals.attachment import Attachment
from sshgateway.terminals.end_reasons import EndReason
from sshgateway.terminals.frame_faults import BadFrame
from sshgateway.terminals.frames import Ended, Output
from sshgateway.terminals.participants import Participants
from sshgateway.terminals.roles import Participant, Role
from sshgateway.terminals.terminal import Terminal
from tests.sshgateway.shells import OWNER, PrintingShell, SilentSink, attach

WATCHER = Participant(Role.GUEST, 2, "bob", may_type=False)
TYPIST = replace(WATCHER, may_type=True)


@pytest.fixture
async def shell() -> PrintingShell:
    return PrintingShell()


@pytest.fixture
async def terminal(shell: PrintingShell) -> Terminal:
    return Terminal(shell, lambda ended: None, Participants("alice", (80, 24)))


def state(attachment: Attachment) -> dict[str, object]:
    """Everything an attachment knows."""
    return {name: repr(value) for name, value in vars(attachment).items()}


async def test_nobody_attaches_without_saying_who_they_are(terminal: Terminal) -> None:
    with pytest.raises(TypeError):
        terminal.attach(sink=SilentSink(), offset=0, cols=80, rows=24)  # type: ignore[call-arg]  # refused, that is the test
    with pytest.raises(TypeError):
        Attachment(0)  # type: ignore[call-arg, arg-type]  # refused, that is the test
    assert terminal.attachments == ()


async def test_who_only_watches_types_nothing(terminal: Terminal, shell: PrintingShell) -> None:
    attach(terminal, OWNER, SilentSink())
    watching = attach(terminal, WATCHER, SilentSink())
    with pytest.raises(BadFrame) as refusal:
        terminal.type(watching, b"rm -rf /\n")
    assert refusal.value.reason == "view_only"
    assert shell.typed == b""


async def test_to_ask_whether_somebody_may_type_changes_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "CONFIRMED_SECONDS", 0.0)
    typist = attach(terminal, TYPIST, SilentSink())
    later = asyncio.get_running_loop().time() + 1
    before = state(typist)
    assert typist.is_unconfirmed(later)
    assert not terminal.participants.accepts_input(typist, later)
    assert typist.may_have_to_leave
    assert state(typist) == before
    assert typist.expelled is None


async def test_whoever_was_not_confirmed_in_time_types_nothing_and_has_to_leave(
    terminal: Terminal, shell: PrintingShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "CONFIRMED_SECONDS", 0.0)
    typist = attach(terminal, TYPIST, SilentSink())
    terminal.type(typist, b"late\n")
    assert shell.typed == b""
    *_, last = terminal.take_frames(typist)
    assert isinstance(last, Ended)
    assert (last.reason, last.final) == (EndReason.NOT_CONFIRMED, False)


async def test_the_owner_needs_no_confirmation(
    terminal: Terminal, shell: PrintingShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "CONFIRMED_SECONDS", 0.0)
    window = attach(terminal, OWNER, SilentSink())
    terminal.type(window, b"ls\n")
    shell.listener.shell_printed(b"file\n")
    assert shell.typed == b"ls\n"
    assert Output(0, b"file\n") in list(terminal.take_frames(window))


async def test_a_shell_that_a_fault_of_ours_ended_says_so() -> None:
    ended = asyncio.Event()
    shell = PrintingShell()
    shell.failed = True
    terminal = Terminal(shell, lambda _: ended.set(), Participants("alice", (80, 24)))
    shell.listener.shell_over()
    async with asyncio.timeout(5):
        await ended.wait()
    assert terminal.end_state is not None
    assert terminal.end_state.reason == EndReason.SHELL_FAILED


async def test_a_fault_in_finding_out_how_it_ended_still_ends_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()
    shell = PrintingShell()

    async def broken() -> int | None:
        raise TypeError("a fault of ours")

    monkeypatch.setattr(shell, "exit_status", broken)
    terminal = Terminal(shell, lambda _: ended.set(), Participants("alice", (80, 24)))
    shell.listener.shell_over()
    async with asyncio.timeout(5):
        await ended.wait()
    assert terminal.end_state is not None
    assert terminal.end_state.reason == EndReason.SHELL_FAILED
    assert "TypeError: a fault of ours" in caplog.text

"""A script run on a node: bounded in time, and in what of its output is kept."""

import asyncio
import codecs
import os
from collections.abc import Callable, Mapping, Sequence

from jobs.simulator.sandbox.agent_client import AgentClient, Failed, Program
from jobs.simulator.sandbox.fd_channel import Gone

KILL_AFTER_SECONDS = 2.0
LAST_WORDS_SECONDS = 1.0
GATHER_SECONDS = 0.25
FIRST_CHARACTERS, LAST_CHARACTERS = 48 * 1024, 16 * 1024
LONGEST_PIECE = 4096
# What a piece counts at least: a program that prints a word now and then must not make more lines than are taken.
SMALLEST_PIECE = 96
Heard = Callable[[str], None]


class Output:
    """What a program prints, in pieces of whole lines: the beginning as it comes, the end at the end."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._room = FIRST_CHARACTERS
        self._line = ""
        self._tail = ""
        self._left_out = 0
        self._later: asyncio.TimerHandle | None = None
        self.last_line = ""

    def feed(self, text: str) -> None:
        """More of it."""
        self._line += text
        if self._room <= 0:
            self._keep_tail()
        elif len(self._line) > LONGEST_PIECE:
            self._tell(whole_lines=True)
        elif self._later is None:
            loop = asyncio.get_running_loop()
            self._later = loop.call_later(GATHER_SECONDS, self._tell, True)

    def finish(self) -> None:
        """There will be no more."""
        self._tell(whole_lines=False)
        if self._tail:
            self._keep_tail()
            if self._left_out:
                self._heard(f"[{self._left_out} characters of output are left out here]")
            self._say(self._tail)
            self._tail = ""

    def _tell(self, whole_lines: bool) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._room <= 0:
            self._keep_tail()
            return
        text, self._line = self._line, ""
        if whole_lines and len(text) <= LONGEST_PIECE:
            text, newline, self._line = text.rpartition("\n")
            text += newline
        now, later = text[: self._room], text[self._room :]
        self._room -= max(len(now), SMALLEST_PIECE)
        self._say(now)
        self._line = later + self._line
        if self._room <= 0:
            self._keep_tail()

    def _keep_tail(self) -> None:
        self._tail, self._line = self._tail + self._line, ""
        if (too_many := len(self._tail) - LAST_CHARACTERS) > 0:
            self._tail = self._tail[too_many:]
            self._left_out += too_many

    def _say(self, text: str) -> None:
        text = text.rstrip("\n")
        if not text:
            return
        self.last_line = text.rpartition("\n")[2].strip() or self.last_line
        for start in range(0, len(text), LONGEST_PIECE):
            self._heard(text[start : start + LONGEST_PIECE])


class Streams:
    """The program's output and errors, read as they come, until both are closed."""

    def __init__(self, descriptors: Sequence[int], output: Output) -> None:
        self._loop = asyncio.get_running_loop()
        self._output = output
        self.closed: asyncio.Future[None] = self._loop.create_future()
        given, *self._open = descriptors
        os.close(given)  # a script reads nothing
        self._decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in self._open}
        for descriptor in self._open:
            os.set_blocking(descriptor, False)
            self._loop.add_reader(descriptor, self._read, descriptor)

    def close(self) -> None:
        """Read no more: somebody may hold the other end for ever."""
        for descriptor in list(self._open):
            self._end(descriptor)

    def _read(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._output.feed(self._decoders[descriptor].decode(data))
        else:
            self._end(descriptor)

    def _end(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        self._open.remove(descriptor)
        if not self._open and not self.closed.done():
            self.closed.set_result(None)


async def run(
    machine: AgentClient,
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    seconds: float,
    heard: Heard,
) -> tuple[int | None, str]:
    """Run a program to its end; its exit status (None: it took too long and was ended) and the last line it printed.

    Raises Failed when it cannot be started, Gone when the node is.
    """
    program = await machine.spawn(argv[0], argv, env, cwd, None)
    output = Output(heard)
    streams = Streams(program.descriptors, output)
    try:
        done, _ = await asyncio.wait([program.ended], timeout=seconds)
        if not done:
            await _end(machine, program)
        # What it left running may keep its output open; that is not waited for.
        await asyncio.wait([streams.closed], timeout=LAST_WORDS_SECONDS)
    finally:
        streams.close()
        output.finish()
    return (program.ended.result()[0] if done else None), output.last_line


async def _end(machine: AgentClient, program: Program) -> None:
    for name in ("TERM", "KILL"):
        try:
            await machine.signal(program, name)
        except (Failed, Gone):
            return
        done, _ = await asyncio.wait([program.ended], timeout=KILL_AFTER_SECONDS)
        if done:
            return

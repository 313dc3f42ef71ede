"""Keep of a script's output what people are shown: the beginning as it comes, the end at the end."""

import asyncio
import codecs
import os
from collections.abc import Callable, Sequence

GATHER_SECONDS = 0.25
FIRST_CHARACTERS, LAST_CHARACTERS = 48 * 1024, 16 * 1024
LONGEST_PIECE = 4096
# What a piece counts at least, so that a program that prints a word now and then makes no more lines than are accepted.
SMALLEST_PIECE = 96
OutputHandler = Callable[[str], None]


class ScriptOutput:
    """Passes output on in pieces of whole lines."""

    def __init__(self, on_output: OutputHandler) -> None:
        self._on_output = on_output
        self._room = FIRST_CHARACTERS
        self._pending = ""
        self._tail = ""
        self._left_out = 0
        self._timer: asyncio.TimerHandle | None = None
        self.last_line = ""

    def feed(self, text: str) -> None:
        """Add output."""
        self._pending += text
        if self._room <= 0:
            self._move_to_tail()
        elif len(self._pending) > LONGEST_PIECE:
            self._pass_on(whole_lines=True)
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(GATHER_SECONDS, self._pass_on, True)

    def finish(self) -> None:
        """Pass on what is left; there will be no more."""
        self._pass_on(whole_lines=False)
        if self._tail:
            self._move_to_tail()
            if self._left_out:
                self._on_output(f"[{self._left_out} characters of output are left out here]")
            self._emit(self._tail)
            self._tail = ""

    def _pass_on(self, whole_lines: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._room <= 0:
            self._move_to_tail()
            return
        text, self._pending = self._pending, ""
        if whole_lines and len(text) <= LONGEST_PIECE:
            text, newline, self._pending = text.rpartition("\n")
            text += newline
        now, later = text[: self._room], text[self._room :]
        self._room -= max(len(now), SMALLEST_PIECE)
        self._emit(now)
        self._pending = later + self._pending
        if self._room <= 0:
            self._move_to_tail()

    def _move_to_tail(self) -> None:
        self._tail, self._pending = self._tail + self._pending, ""
        if (too_many := len(self._tail) - LAST_CHARACTERS) > 0:
            self._tail = self._tail[too_many:]
            self._left_out += too_many

    def _emit(self, text: str) -> None:
        text = text.rstrip("\n")
        if not text:
            return
        self.last_line = text.rpartition("\n")[2].strip() or self.last_line
        for start in range(0, len(text), LONGEST_PIECE):
            self._on_output(text[start : start + LONGEST_PIECE])


class OutputReader:
    """Reads a program's output and errors as they come, until both are closed."""

    def __init__(self, descriptors: Sequence[int], output: ScriptOutput) -> None:
        self._loop = asyncio.get_running_loop()
        self._output = output
        self.closed: asyncio.Future[None] = self._loop.create_future()
        program_input, *self._open = descriptors
        os.close(program_input)  # a script reads nothing
        self._decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in self._open}
        for descriptor in self._open:
            os.set_blocking(descriptor, False)
            self._loop.add_reader(descriptor, self._read, descriptor)

    def close(self) -> None:
        """Read no more: a program left in the background may keep the other end open for ever."""
        for descriptor in list(self._open):
            self._close(descriptor)

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
            self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        self._open.remove(descriptor)
        if not self._open and not self.closed.done():
            self.closed.set_result(None)

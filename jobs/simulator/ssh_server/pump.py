"""Move bytes between an SSH channel and a program's descriptors, no faster than either side takes them.

Nothing is kept beyond one read and one window: a full channel stops the reading of the program, and a program that does
not read stops the reading of the channel.
"""

import asyncio
import errno
import os
from collections import deque
from collections.abc import Callable
from typing import Any

READ_BYTES = 1 << 17
TERMINAL_BYTES = 1 << 16


class Pump:
    """Moves bytes until the program's output ends; then calls `on_drained` once."""

    def __init__(self, channel: Any, descriptors: list[int], on_drained: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._on_drained = on_drained
        self._terminal = len(descriptors) == 1
        if self._terminal:
            self._input = descriptors[0]
            self._outputs: dict[int, Callable[[bytes], None]] = {descriptors[0]: channel.write}
        else:
            self._input, output, errors = descriptors
            self._outputs = {output: channel.write, errors: channel.write_stderr}
        self._open = set(descriptors)
        self._queue: deque[memoryview] = deque()
        self._end_of_input = False
        self._writing = False
        self._paused = True
        self._program_ended = False
        for descriptor in descriptors:
            os.set_blocking(descriptor, False)
        self.hold(False)

    @property
    def terminal(self) -> int | None:
        """The terminal's descriptor while it is open; else None."""
        return self._input if self._terminal and self._input in self._open else None

    # -- from the program ---------------------------------------------------------------------

    def hold(self, held: bool) -> None:
        """Stop reading the program's output, or read it again."""
        if held == self._paused:
            return
        self._paused = held
        for descriptor in self._outputs:
            if held:
                self._loop.remove_reader(descriptor)
            else:
                self._loop.add_reader(descriptor, self._readable, descriptor)
        if not held and self._program_ended:
            self._loop.call_soon(self.finish)

    def _readable(self, descriptor: int) -> None:
        write = self._outputs.get(descriptor)
        if write is None or self._paused:
            return
        data, ended = self._read(descriptor)
        if data:
            write(data)
        if ended:
            self._end_of_output(descriptor)

    def _read(self, descriptor: int) -> tuple[bytes, bool]:
        """Return what there is to read, and whether that was the end."""
        if not self._terminal:
            try:
                data = os.read(descriptor, READ_BYTES)
            except BlockingIOError:
                return b"", False
            except OSError:
                return b"", True
            return data, not data
        # A terminal gives at most 4 kB per read: several reads make one packet.
        pieces: list[bytes] = []
        size = 0
        while size < TERMINAL_BYTES:
            try:
                data = os.read(descriptor, TERMINAL_BYTES)
            except BlockingIOError:
                return b"".join(pieces), self._program_ended
            except OSError as error:
                # EIO: every program has closed the terminal.
                return b"".join(pieces), error.errno == errno.EIO or self._program_ended
            if not data:
                return b"".join(pieces), True
            pieces.append(data)
            size += len(data)
        return b"".join(pieces), False

    def finish(self) -> None:
        """Read an ended program's terminal empty and close it, whoever has it open. Pipes end by themselves."""
        self._program_ended = True
        while self._terminal and self._outputs and not self._paused:
            self._readable(self._input)

    def _end_of_output(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        self._outputs.pop(descriptor, None)
        if descriptor == self._input:
            self._stop_input()
        self._close(descriptor)
        if not self._outputs:
            self._on_drained()

    # -- to the program -----------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Queue bytes from the client."""
        if self._input not in self._open or self._end_of_input:
            return
        self._queue.append(memoryview(data))
        if not self._writing:
            self._flush()

    def feed_end(self) -> None:
        """The client sends no more. A pipe is closed once all is written; a terminal has no such end."""
        self._end_of_input = True
        if not self._writing:
            self._flush()

    def _flush(self) -> None:
        while self._queue:
            try:
                written = os.write(self._input, self._queue[0])
            except BlockingIOError:
                if not self._writing:
                    self._writing = True
                    self._channel.pause_reading()
                    self._loop.add_writer(self._input, self._flush)
                return
            except OSError:
                self._queue.clear()
                self._end_of_input = True
                break
            if written == len(self._queue[0]):
                self._queue.popleft()
            else:
                self._queue[0] = self._queue[0][written:]
        self._stop_input()
        # The channel, once resumed, may have fed more in that very call.
        if self._end_of_input and not self._queue and not self._terminal:
            self._close(self._input)

    def _stop_input(self) -> None:
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._input)
            self._channel.resume_reading()

    # -- the end ------------------------------------------------------------------------------

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.discard(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        """Close every descriptor: programs on a terminal get a hang-up, those on pipes see the end of their input."""
        for descriptor in self._outputs:
            self._loop.remove_reader(descriptor)
        self._outputs.clear()
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._input)
        self._queue.clear()
        for descriptor in list(self._open):
            self._close(descriptor)

"""The latest output of a shell, and what a client needs to continue where the kept part begins. Pure."""

from dataclasses import dataclass

from sshgateway.terminals.mode_tracker import ModeTracker
from sshgateway.terminals.ring_buffer import RingBuffer


@dataclass(frozen=True)
class Resumption:
    """Where a client continues: at `offset`, with `modes` first, and then with what was printed from `printed_from` on.

    `modes` stands in place of the last bytes that the client misses, so offsets have no gap. It is empty for a client
    that misses nothing.
    """

    offset: int
    modes: bytes

    @property
    def printed_from(self) -> int:
        """The offset of the first byte that is sent as the shell printed it."""
        return self.offset + len(self.modes)


class OutputHistory:
    """Keeps output like a RingBuffer, and the terminal's modes as they were at its oldest byte."""

    def __init__(self, capacity: int) -> None:
        self._modes = ModeTracker()
        self._buffer = RingBuffer(capacity, self._modes.feed)
        self.append = self._buffer.append
        self.read = self._buffer.read

    @property
    def start(self) -> int:
        """The offset of the first byte still kept."""
        return self._buffer.start

    @property
    def end(self) -> int:
        """How many bytes were printed, which is also the offset of the next one."""
        return self._buffer.end

    def resume(self, offset: int) -> Resumption:
        """Return how a client continues that has everything before `offset`."""
        if offset >= self.start:
            return Resumption(offset, b"")
        at, tracker = self.start, self._modes
        modes = tracker.sequence()
        # The client may miss fewer bytes than the sequence has. It then continues a little later.
        while at - offset < len(modes):
            later = offset + len(modes)
            if later > self.end:
                return Resumption(self.start, b"")
            tracker = tracker.clone()
            tracker.feed(self.read(at, later - at))
            at, modes = later, tracker.sequence()
        return Resumption(at - len(modes), modes)

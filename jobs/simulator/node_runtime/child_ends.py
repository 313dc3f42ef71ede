"""Wait until a child ends: each SIGCHLD puts a byte into a pipe, so none is missed between a look and the wait.

Part of what runs inside a node, and of the launcher: standard library only. Needs no pidfd.
"""

from __future__ import annotations

import os
import select
import signal


class ChildEnds:
    """A descriptor that can be read once children have ended, or stopped, since `clear`."""

    def __init__(self) -> None:
        self.descriptor, self._write_end = os.pipe()
        for end in (self.descriptor, self._write_end):
            os.set_blocking(end, False)

    def listen(self) -> None:
        """Begin. Only the main thread may."""
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def wait(self, seconds: float) -> bool:
        """Wait for so many seconds at most; return whether there is anything to reap."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        if seconds <= 0 or not poll.poll(seconds * 1000):
            return False
        self.clear()
        return True

    def clear(self) -> None:
        """Forget what has ended so far: reap after this, not before."""
        try:
            os.read(self.descriptor, 4096)
        except BlockingIOError:
            pass

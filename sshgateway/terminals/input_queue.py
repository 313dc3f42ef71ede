"""Input on its way to a shell: kept in order, bounded, and passed on as far as the shell accepts it."""

from collections import deque
from collections.abc import Callable

from sshgateway.terminals.attachment import INPUT_WINDOW, Attachment
from sshgateway.terminals.frame_faults import BadFrame, FrameFault
from sshgateway.terminals.participants import MAX_ATTACHMENTS

MAX_WAITING = MAX_ATTACHMENTS * INPUT_WINDOW
# Waiting input is joined up to this size: a thousand keystrokes are then a few pieces.
PIECE = 4096


class InputQueue:
    """The input of all clients of one terminal.

    `write` sends bytes to the shell and returns how many it accepted: 0 while it accepts none, -1 when it is gone.
    """

    def __init__(self, write: Callable[[bytes], int]) -> None:
        self._write = write
        self._pieces: deque[tuple[Attachment, bytes]] = deque()
        self._size = 0
        # How many bytes the shell has accepted in all.
        self.written = 0

    def add(self, attachment: Attachment, data: bytes) -> None:
        """Append input. Raises BadFrame (`input_overflow`) when too much is waiting."""
        attachment.receive_input(len(data))
        if self._size + len(data) > MAX_WAITING:
            raise BadFrame(FrameFault.INPUT_OVERFLOW, "The shell takes no input; too much is waiting for it.")
        self._size += len(data)
        if self._pieces and self._pieces[-1][0] is attachment and len(self._pieces[-1][1]) < PIECE:
            data = self._pieces.pop()[1] + data
        self._pieces.append((attachment, data))

    def flush(self) -> None:
        """Pass input on as far as the shell accepts it."""
        while self._pieces:
            attachment, data = self._pieces[0]
            accepted = self._write(data)
            if accepted <= 0:
                return
            self._size -= accepted
            self.written += accepted
            attachment.pass_input(accepted)
            if accepted == len(data):
                self._pieces.popleft()
            else:
                self._pieces[0] = (attachment, data[accepted:])

    def clear(self) -> None:
        """Drop what is waiting."""
        self._pieces.clear()
        self._size = 0

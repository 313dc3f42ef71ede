"""A line that breaks: a TCP proxy whose connections a test cuts."""

import socket
import threading
from contextlib import suppress

from tests.waiting import LIMIT


class BadLine:
    """A TCP proxy whose connections can be cut."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.target = (host, port)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.bytes = 0
        self.open = True
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while self.open:
            try:
                near, _ = self.server.accept()
            except OSError:
                continue
            try:
                far = socket.create_connection(self.target, LIMIT)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self.pairs.append((near, far))
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        """Copy both ways. Only when neither way is used any more are the sockets closed: their numbers go to others."""
        with near, far:
            back = threading.Thread(target=self._copy, args=(far, near), daemon=True)
            back.start()
            self._copy(near, far)
            back.join()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.bytes += len(data)
                sink.sendall(data)
        _shut(source, sink)

    def cut(self) -> None:
        """Cut every connection there is."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            _shut(*pair)

    def close(self) -> None:
        """End it."""
        self.open = False
        _shut(self.server)  # wakes who waits for a connection
        self._accepting.join(LIMIT)
        self.server.close()
        self.cut()


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)

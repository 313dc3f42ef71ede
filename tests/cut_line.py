"""A line to the portal that drops once, in the middle of an upload."""

import contextlib
import socket
import threading
from typing import Any


class CutLine:
    """A proxy to the portal that closes a connection once, when so many bytes have passed through all of them."""

    def __init__(self, port: int, after: int) -> None:
        self._target, self._left = ("127.0.0.1", port), after
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._sockets = [self._listening]
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    @property
    def was_cut(self) -> bool:
        return self._left <= 0

    def _run(self, function: Any, *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=function, args=arguments))
        self._threads[-1].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                self._run(self._pass, client, server, True)
                self._run(self._pass, server, client, False)

    def _pass(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
                before = self._left
                self._left -= len(data) * counts
                if before > 0 >= self._left:
                    break
        for end in (source, target):
            _shut(end)

    def close(self) -> None:
        for each in list(self._sockets):
            _shut(each)
        for thread in self._threads:
            thread.join(10)
        for each in self._sockets:
            each.close()


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)

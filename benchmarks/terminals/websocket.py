"""A websocket client that costs next to nothing: one blocking socket, no event loop, no checks of the server.

What is measured must be the terminal, not who measures. `python -m benchmarks.terminals.websocket` says what it can
do against an echo server.
"""

import base64
import os
import socket
import struct
import threading
import time
from urllib.parse import urlsplit

from websockets.sync.server import ServerConnection, serve

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
RECEIVE = 256 * 1024


class Closed(Exception):
    """The server closed the socket, with this code."""


class WebSocket:
    """One connection. `receive` waits for the next whole message; pings are answered on the way."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        where = urlsplit(url)
        self.socket = socket.create_connection((where.hostname or "", where.port or 80))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        path = where.path + (f"?{where.query}" if where.query else "")
        lines = [f"GET {path} HTTP/1.1", f"Host: {where.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
        ]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        # Received into the same memory each time: a new piece of so much would cost more than what is measured.
        self._buffer = memoryview(bytearray(RECEIVE))
        self._got = bytearray()
        self._at = 0
        while (end := self._got.find(b"\r\n\r\n")) < 0:
            self._fill()
        answer = bytes(self._got[:end])
        if not answer.startswith(b"HTTP/1.1 101"):
            raise Closed(answer.split(b"\r\n")[0].decode())
        self._at = end + 4

    def fileno(self) -> int:
        return self.socket.fileno()

    @property
    def waiting(self) -> bool:
        """Whether a whole message lies here already, so that no event would tell of it."""
        return self._next(take=False) is not None

    def send(self, payload: bytes, opcode: int = BINARY) -> None:
        """One message. The mask is zeros: what it protects against is not here."""
        size = len(payload)
        if size < 126:
            head = struct.pack(">BBI", 0x80 | opcode, 0x80 | size, 0)
        elif size < 65536:
            head = struct.pack(">BBHI", 0x80 | opcode, 0x80 | 126, size, 0)
        else:
            head = struct.pack(">BBQI", 0x80 | opcode, 0x80 | 127, size, 0)
        self.socket.sendall(head + payload)

    def receive(self) -> bytes:
        """The next message's payload. Raises Closed."""
        while True:
            if (found := self._next()) is None:
                self._fill()
                continue
            opcode, payload = found
            if opcode in (TEXT, BINARY):
                return payload
            if opcode == PING:
                self.send(payload, PONG)
            elif opcode == CLOSE:
                raise Closed(f"{int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}")

    def close(self) -> None:
        """Drop the line, as a cut cable does."""
        self.socket.close()

    def _fill(self) -> None:
        if self._at:
            del self._got[: self._at]
            self._at = 0
        size = self.socket.recv_into(self._buffer)
        if not size:
            raise Closed("end of file")
        self._got += self._buffer[:size]

    def _next(self, take: bool = True) -> tuple[int, bytes] | None:
        """A whole frame of what was received; servers measured here do not split messages."""
        got, at = self._got, self._at
        if len(got) - at < 2:
            return None
        size, begin = got[at + 1] & 0x7F, at + 2
        if size == 126:
            if len(got) - at < 4:
                return None
            size, begin = int.from_bytes(got[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            if len(got) - at < 10:
                return None
            size, begin = int.from_bytes(got[at + 2 : at + 10], "big"), at + 10
        if len(got) - begin < size:
            return None
        with memoryview(got) as view:
            payload = bytes(view[begin : begin + size]) if take else b""
        if take:
            self._at = begin + size
        return got[at] & 0x0F, payload


def main() -> None:
    """What the client itself costs: an echo of one byte, and a flood of 64 MB in messages of 32 kB."""

    def answer(connection: ServerConnection) -> None:
        for message in connection:
            if message == b"flood":
                for _ in range(2048):
                    connection.send(bytes(32 * 1024))
            else:
                connection.send(message)

    with serve(answer, "127.0.0.1", 0, compression=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = WebSocket(f"ws://127.0.0.1:{server.socket.getsockname()[1]}/")
        begin = time.perf_counter()
        for _ in range(2000):
            client.send(b"x")
            client.receive()
        print(f"echo of one byte: {(time.perf_counter() - begin) / 2:.3f} ms")
        client.send(b"flood")
        begin, cpu = time.perf_counter(), time.thread_time()
        for _ in range(2048):
            client.receive()
        print(f"64 MB: {64 / (time.perf_counter() - begin):.0f} MB/s; the client's own work: ", end="")
        print(f"{64 / (time.thread_time() - cpu):.0f} MB per second of processor time")
        server.shutdown()


if __name__ == "__main__":
    main()

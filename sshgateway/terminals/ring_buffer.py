"""The latest output of a shell, addressed by offset since it started. Pure; memory is bounded."""

from collections import deque
from collections.abc import Callable

# Small pieces are joined up to this size, so that a shell that prints byte by byte does not cost an object per byte.
PIECE = 4096


class RingBuffer:
    """Keeps at least the last `capacity` bytes, and at most one chunk more.

    `end` counts every byte ever appended; `start` is the offset of the first byte still kept. `on_drop` gets what is
    dropped, in order.
    """

    def __init__(self, capacity: int, on_drop: Callable[[bytes], None] | None = None) -> None:
        self.capacity = capacity
        self._on_drop = on_drop
        self.start = 0
        self.end = 0
        self._chunks: deque[tuple[int, bytes]] = deque()

    def append(self, data: bytes) -> None:
        """Append data; whole chunks beyond the capacity are dropped."""
        if not data:
            return
        if self._chunks and len(self._chunks[-1][1]) + len(data) <= PIECE:
            begin, last = self._chunks.pop()
            self._chunks.append((begin, last + data))
        else:
            self._chunks.append((self.end, data))
        self.end += len(data)
        while self.end - self.start - len(self._chunks[0][1]) >= self.capacity:
            _, dropped = self._chunks.popleft()
            self.start += len(dropped)
            if self._on_drop is not None:
                self._on_drop(dropped)

    def read(self, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes from `offset` on. Raises IndexError for bytes dropped or not yet printed."""
        if not self.start <= offset <= self.end:
            raise IndexError(f"{offset} is not within {self.start}..{self.end}")
        if self._chunks and offset >= self._chunks[-1][0]:  # the newest chunk, as almost always
            begin, last = self._chunks[-1]
            return last[offset - begin : offset - begin + limit]
        parts: list[bytes] = []
        for begin, chunk in self._chunks:
            if limit <= 0:
                break
            if begin + len(chunk) <= offset:
                continue
            part = chunk[max(offset - begin, 0) :][:limit]
            parts.append(part)
            limit -= len(part)
        return b"".join(parts)

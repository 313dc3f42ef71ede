"""The latest output of a shell, by offset: the right bytes, in bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshgateway.terminals.ring_buffer import PIECE, RingBuffer

CAPACITY = 20_000


@given(st.lists(st.binary(max_size=9000), max_size=30), st.data())
def test_what_is_kept_is_what_was_printed(chunks: list[bytes], data: st.DataObject) -> None:
    ring, whole = RingBuffer(CAPACITY), b"".join(chunks)
    for chunk in chunks:
        ring.append(chunk)
    assert ring.end == len(whole)
    assert ring.end - ring.start >= min(len(whole), CAPACITY)
    assert ring.end - ring.start < CAPACITY + max(PIECE, 9000)
    offset = data.draw(st.integers(ring.start, ring.end))
    limit = data.draw(st.integers(0, 30_000))
    assert ring.read(offset, limit) == whole[offset : offset + limit]


def test_bytes_that_come_one_by_one_are_joined() -> None:
    ring = RingBuffer(CAPACITY)
    for _ in range(100_000):
        ring.append(b"x")
    assert len(ring._chunks) <= CAPACITY // PIECE + 3


def test_what_is_not_kept_is_not_made_up() -> None:
    ring = RingBuffer(10)
    for _ in range(4):
        ring.append(b"y" * PIECE)
    with pytest.raises(IndexError):
        ring.read(0, 10)
    with pytest.raises(IndexError):
        ring.read(ring.end + 1, 10)
    assert ring.read(ring.end, 10) == b""

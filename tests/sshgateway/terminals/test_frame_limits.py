"""The largest frame of each kind is a frame; one byte more is none."""

import pytest

from sshgateway.terminals import frames
from sshgateway.terminals.frame_faults import BadFrame


@pytest.mark.parametrize("size", [0, 1, 63, 64])
def test_a_ping_of_up_to_64_bytes_comes_back(size: int) -> None:
    payload = bytes(range(size))
    assert frames.decode(b"\x05" + payload) == frames.Ping(payload)
    assert frames.encode(frames.Pong(payload)) == b"\x85" + payload


def test_a_ping_of_65_bytes_is_refused() -> None:
    with pytest.raises(BadFrame) as refusal:
        frames.decode(b"\x05" + bytes(65))
    assert refusal.value.reason == "bad_ping"


def test_input_of_65536_bytes_is_a_frame_by_both_ways_and_one_more_is_none() -> None:
    data = bytes(65536)
    assert frames.decode(b"\x02" + data) == frames.Input(data)
    assert frames.input_data(b"\x02" + data) == data
    assert frames.input_data(b"\x02" + data + b"x") is None
    with pytest.raises(BadFrame) as refusal:
        frames.decode(b"\x02" + data + b"x")
    assert refusal.value.reason == "frame_too_big"


@pytest.mark.parametrize("frame", [b"", b"\x01", b"\x03abcd", b"\x05"])
def test_only_an_input_frame_takes_the_shortcut(frame: bytes) -> None:
    assert frames.input_data(frame) is None


def test_an_empty_input_frame_takes_it_too() -> None:
    assert frames.input_data(b"\x02") == b""

"""The protocol's frames: whatever is sent is read back; whatever is not a frame is refused with a reason."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshgateway.terminals import frames
from sshgateway.terminals.frame_faults import BadFrame, FrameFault

offsets = st.integers(0, 2**64 - 1)
sizes = st.integers(1, 1000)
texts = st.text(max_size=200)

client_frames = st.one_of(
    st.builds(frames.Hello, offset=offsets, cols=sizes, rows=sizes),
    st.builds(frames.Input, data=st.binary(max_size=frames.MAX_INPUT)),
    st.builds(frames.Resize, cols=sizes, rows=sizes),
    st.builds(frames.Ack, offset=offsets),
    st.builds(frames.Ping, payload=st.binary(max_size=frames.MAX_PING)),
    st.just(frames.Close()),
)
server_frames = st.one_of(
    st.builds(
        frames.Ready,
        session=texts,
        node=texts,
        label=texts,
        principal=texts,
        address=texts,
        port=st.integers(1, 65535),
        fingerprint=texts,
        offset=offsets,
        skipped=offsets,
        printed=offsets,
        window=offsets,
        input_window=offsets,
    ),
    st.builds(frames.Output, offset=offsets, data=st.binary(max_size=5000)),
    st.builds(frames.Notice, message=texts),
    st.builds(
        frames.Ended,
        reason=texts,
        message=texts,
        final=st.booleans(),
        exit_status=st.none() | st.integers(0, 255),
    ),
    st.builds(frames.Pong, payload=st.binary(max_size=64)),
    st.builds(frames.InputAck, total=offsets),
)


@given(client_frames)
def test_client_frames_come_back(frame: frames.ClientFrame) -> None:
    assert frames.decode(frames.encode_client(frame)) == frame


@given(server_frames)
def test_server_frames_come_back(frame: frames.ServerFrame) -> None:
    assert frames.decode_server(frames.encode(frame)) == frame


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    frame: frames.ClientFrame | BadFrame
    try:
        frame = frames.decode(data)
    except BadFrame as error:
        frame = error
    if isinstance(frame, BadFrame):
        assert frame.reason.isidentifier()
        assert str(frame).endswith(".")
    else:
        assert frames.encode_client(frame) == data


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_sizes_are_between_1_and_1000(cols: int, rows: int) -> None:
    data = bytes((frames.Opcode.RESIZE, *cols.to_bytes(2, "big"), *rows.to_bytes(2, "big")))
    if 1 <= cols <= 1000 and 1 <= rows <= 1000:
        assert frames.decode(data) == frames.Resize(cols, rows)
    else:
        with pytest.raises(BadFrame, match="1 to 1000"):
            frames.decode(data)


def test_a_frame_that_is_too_big() -> None:
    with pytest.raises(BadFrame) as error:
        frames.decode(b"\x02" + bytes(frames.MAX_FRAME))
    assert error.value.reason == "frame_too_big"


def test_every_opcode_and_fault_is_documented() -> None:
    words = Path("docs/terminal-protocol.md").read_text()
    for opcode in frames.Opcode:
        assert f"| `0x{opcode:02x}` |" in words
        assert f"`{opcode.name}`" in words
    for fault in FrameFault:
        assert f"`{fault.value}`" in words


@pytest.mark.parametrize("opcode", [opcode for opcode in frames.Opcode if opcode < 0x80])
def test_every_clients_opcode_with_a_wrong_length_is_refused_or_has_none(opcode: frames.Opcode) -> None:
    try:
        frames.decode(bytes((opcode,)) + bytes(frames.MAX_PING + 1))
    except BadFrame as refusal:
        assert refusal.reason is FrameFault(f"bad_{opcode.name.lower()}")
    else:
        assert opcode is frames.Opcode.INPUT

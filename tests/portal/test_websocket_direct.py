"""Messages that go around ASGI: the same messages in the same order as through the library."""

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode

from portal import serving
from tests.portal.endpoint import connected, frame
from tests.waiting import LIMIT


@given(st.binary(max_size=125))
def test_a_small_message_is_read_as_the_library_wrote_it(data: bytes) -> None:
    assert serving.small_message(frame(data)) == data


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x82", id="a beginning"),
        pytest.param(frame(b"x" * 126), id="long"),
        pytest.param(frame(b"text", Opcode.TEXT), id="text"),
        pytest.param(frame(b"ping", Opcode.PING), id="ping"),
        pytest.param(frame(b"a part", fin=False), id="a fragment"),
        pytest.param(frame(b"not masked", mask=False), id="not masked"),
        pytest.param(frame(b"one") + frame(b"two"), id="two"),
        pytest.param(frame(b"not all of it")[:-1], id="cut off"),
        pytest.param(bytes((0xC2, *frame(b"a reserved bit")[1:])), id="a reserved bit"),
    ],
)
def test_everything_else_is_left_to_the_library(other: bytes) -> None:
    assert serving.small_message(other) is None


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
def test_what_stands_before_a_message_is_what_the_library_writes(size: int) -> None:
    whole = frame(bytes(size), mask=False)
    assert serving.frame_head(size) + bytes(size) == whole


async def test_whole_small_frames_come_at_once_and_in_order() -> None:
    async with connected() as end:
        end.listen()
        # Not even the library sees them.
        end.protocol.conn.receive_data = None  # type: ignore[assignment]  # a call of it fails the test
        end.comes(frame(b"a"), frame(b""), frame(b"b" * 125))
        assert end.got == [("direct", b"a"), ("direct", b""), ("direct", b"b" * 125)]


async def test_frames_in_pieces_long_ones_and_several_at_once() -> None:
    async with connected() as end:
        end.listen()
        whole = frame(b"cut anywhere")
        for cut in range(1, len(whole)):
            end.comes(whole[:cut], whole[cut:])
        last = frame(b"three")
        end.comes(frame(b"c" * 70_000), frame(b"one") + frame(b"two") + last[:3], last[3:])
        messages = [b"cut anywhere"] * (len(whole) - 1) + [b"c" * 70_000, b"one", b"two", b"three"]
        assert [way for way, _ in end.got] == ["direct"] * len(messages)
        assert [message for _, message in end.got] == messages


async def test_bytes_that_look_like_a_frame_within_a_frame_are_not_taken_for_one() -> None:
    async with connected() as end:
        end.listen()
        inner = frame(b"inner")
        outer = b"\x82" + bytes((0x80 | len(inner),)) + bytes(4)  # a mask of zeros: the payload as it is
        end.comes(outer, inner, frame(b"after"))
        assert end.got == [("direct", inner), ("direct", b"after")]


async def test_a_message_in_fragments_goes_through_asgi_and_nothing_overtakes_it() -> None:
    async with connected() as end:
        end.listen()
        end.comes(frame(b"in ", fin=False), frame(b"two", Opcode.CONT))
        end.comes(frame(b"behind it"))
        assert await end.all_came(2) == [("asgi", b"in two"), ("asgi", b"behind it")]
        end.comes(frame(b"at once"))
        assert end.got[2:] == [("direct", b"at once")]


async def test_a_new_message_within_a_fragmented_one_is_the_libraries_to_refuse() -> None:
    async with connected() as end:
        end.listen()
        end.comes(frame(b"in ", fin=False), frame(b"small"))
        assert end.got == []
        end.client.settimeout(LIMIT)
        answer = b""
        while more := await asyncio.to_thread(end.client.recv, 4096):
            answer += more
        assert answer.partition(b"\r\n\r\n")[2][2:4] == (1002).to_bytes(2, "big")


async def test_what_came_before_it_listens_comes_first() -> None:
    async with connected() as end:
        end.comes(frame(b"early"))
        end.listen()
        end.comes(frame(b"later"))
        assert await end.all_came(2) == [("asgi", b"early"), ("asgi", b"later")]


async def test_text_and_what_comes_after_the_release_take_the_usual_way() -> None:
    async with connected() as end:
        end.listen()
        end.comes(frame(b"text", Opcode.TEXT))
        await end.all_came(1)
        end.direct.release()
        end.comes(frame(b"binary"))
        assert await end.all_came(2) == [("asgi", "text"), ("asgi", b"binary")]


async def test_what_is_sent_arrives_and_room_is_told_of_when_the_client_has_read() -> None:
    async with connected() as end:
        room = asyncio.Event()
        end.listen(room.set)
        sent, piece = b"", os.urandom(64 * 1024)
        while end.direct.send_now(piece):
            sent += frame(piece, mask=False)
        sent += frame(piece, mask=False)
        # While the client does not read, what it says takes the way that waits.
        end.comes(frame(b"held"))
        assert await end.all_came(1) == [("asgi", b"held")]
        end.client.settimeout(LIMIT)
        got = b""
        while not got.endswith(sent):
            got += await asyncio.to_thread(end.client.recv, 1 << 20)
        async with asyncio.timeout(LIMIT):
            await room.wait()
        assert end.direct.send_now(b"x")


async def test_whoever_answers_no_ping_is_gone_whatever_was_still_to_be_sent() -> None:
    async with connected() as end:
        end.listen()
        while end.direct.send_now(bytes(64 * 1024)):
            pass
        end.protocol.keepalive_timeout()
        async with asyncio.timeout(LIMIT):
            while not end.protocol.disconnected:
                await asyncio.sleep(0)


async def test_after_the_close_nothing_is_sent() -> None:
    async with connected() as end:
        end.listen()
        await end.protocol.send({"type": "websocket.close", "code": 1000})
        assert not end.direct.send_now(b"late")
        end.client.settimeout(LIMIT)
        assert not (await asyncio.to_thread(end.client.recv, 4096)).endswith(b"late")

"""The short way of terminals' messages through the server: the same messages in the same order as the library's way."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from portal import serving
from sshgateway.socket import DIRECT, Direct

REQUEST = (
    b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(data: bytes, opcode: Opcode = Opcode.BINARY, *, fin: bool = True, mask: bool = True) -> bytes:
    """A frame as a client's library writes it."""
    return Frame(opcode, data, fin).serialize(mask=mask)


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


@dataclass
class Endpoint:
    """A connection on a real socket whose bytes the test hands to the server itself, cut as it likes."""

    protocol: serving.Websocket
    client: socket.socket
    direct: Direct
    # (by which way, message), in the order in which they came
    got: list[tuple[str, bytes | str]] = field(default_factory=list)

    def comes(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.protocol.data_received(piece)

    def listen(self, has_room: Callable[[], None] = lambda: None) -> None:
        self.direct.listen(lambda message: self.got.append(("direct", message)), has_room)

    async def all_came(self, count: int) -> list[tuple[str, bytes | str]]:
        async with asyncio.timeout(5):
            while len(self.got) < count:
                await asyncio.sleep(0)
        return self.got


@asynccontextmanager
async def connected() -> AsyncIterator[Endpoint]:
    """An accepted websocket; what comes through ASGI is kept, too."""
    ready: asyncio.Future[Direct] = asyncio.get_running_loop().create_future()
    got: list[tuple[str, bytes | str]] = []

    async def application(
        scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        ready.set_result(scope["extensions"][DIRECT])
        while (message := await receive())["type"] == "websocket.receive":
            got.append(("asgi", message.get("bytes") or message.get("text")))

    config = serving.config(application)
    config.load()
    mine, theirs = socket.socketpair()
    mine.setblocking(False)
    protocol = serving.Websocket(config, ServerState(), {})
    await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, mine)
    protocol.data_received(REQUEST)
    async with asyncio.timeout(5):
        endpoint = Endpoint(protocol, theirs, await ready, got)
    try:
        yield endpoint
    finally:
        theirs.close()
        protocol.transport.abort()
        await asyncio.gather(*protocol.tasks)


async def test_whole_small_frames_come_at_once_and_in_order() -> None:
    async with connected() as end:
        end.listen()
        # Not even the library sees them.
        end.protocol.conn.receive_data = None  # type: ignore[assignment]
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
        end.client.settimeout(5)
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
        end.client.settimeout(5)
        got = b""
        while not got.endswith(sent):
            got += await asyncio.to_thread(end.client.recv, 1 << 20)
        async with asyncio.timeout(5):
            await room.wait()
        assert end.direct.send_now(b"x")


async def test_after_the_close_nothing_is_sent() -> None:
    async with connected() as end:
        end.listen()
        await end.protocol.send({"type": "websocket.close", "code": 1000})
        assert not end.direct.send_now(b"late")
        end.client.settimeout(5)
        assert not (await asyncio.to_thread(end.client.recv, 4096)).endswith(b"late")

"""What a terminal's client is promised by the server: as `portal.web` and `portal.gateway` serve, and as tests do.

Tests of the gateway have an application with terminals only, and once uvicorn's own websocket class.
"""

import contextlib
from collections.abc import Callable, Iterator

import pytest
import websockets
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect

from accounts.models import User
from portal import asgi, gateway_asgi, serving
from tests.sshgateway.conftest import (
    Desk,
    Server,
    SwitchableCheck,
    access_check,
    desk,
    make_node,
    node,
)
from tests.sshgateway.sshd import Node

__all__ = ["access_check", "desk", "make_node", "node"]
pytestmark = pytest.mark.django_db(transaction=True)
WEB, GATEWAY, TESTS, PLAIN = "portal.web", "portal.gateway", "gateway tests", "uvicorn's own websockets"


@pytest.fixture(params=[WEB, GATEWAY, TESTS, PLAIN])
def server(
    request: pytest.FixtureRequest, transactional_db: None, access_check: SwitchableCheck
) -> Iterator[Server]:
    """Each server in turn; the first two have the applications of the real processes."""
    made: dict[str, Callable[[], Server]] = {
        WEB: lambda: Server(application=asgi.application),
        GATEWAY: lambda: Server(application=gateway_asgi.application),
        TESTS: Server,
        PLAIN: lambda: Server(WebSocketsSansIOProtocol),
    }
    with contextlib.ExitStack() as stack:
        running = made[request.param]()
        stack.callback(running.stop)
        yield running


async def test_a_shell_from_its_prompt_to_its_end(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo size $(stty size)", "size 24 80")
        await client.run("yes | head -c 300000; echo all-$((1+1))", "all-2")
        await client.type("exit 3\n")
        await client.until_closed()
    assert client.end is not None
    assert (client.end.reason, client.end.exit_status) == ("exited", 3)
    assert client.close_code == 1000


async def test_a_client_comes_back_and_gets_what_it_missed(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("echo fir''st", "first")
    async with desk.attach(session, alice, offset=client.offset) as again:
        ready = await again.until_ready()
        assert ready.offset == client.offset
        await again.run("echo sec''ond", "second")
        assert b"first" not in again.output


async def test_a_bad_frame_is_refused_with_its_reason(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.socket.send(b"\x7f")
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, "unknown_opcode")


async def test_a_message_that_is_too_long_ends_the_connection(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.socket.send(bytes(serving.LONGEST_MESSAGE + 1))
        await client.until_closed()
    assert client.close_code == 1009


async def test_nobody_gets_in_without_a_credential(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    url = f"ws://127.0.0.1:{desk.server.port}{session.websocket_path}"
    async with connect(url, compression=None) as stranger:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await stranger.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


async def test_messages_are_not_compressed(desk: Desk, node: Node, alice: User) -> None:
    """Even if the client offers it: every keystroke would wait for it."""
    session = await desk.open(alice, node.target())
    url = f"ws://127.0.0.1:{desk.server.port}{session.websocket_path}"
    async with connect(url, compression="deflate", user_agent_header=None) as client:
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
        assert "Server" not in client.response.headers


async def test_a_stop_tells_the_client_why(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        desk.server.ask_to_stop()
        await client.until_closed()
    assert client.end is not None
    assert client.end.reason == "server_stopping"

"""A server that offers nothing but ASGI serves the same terminals, a little later."""

import contextlib
from collections.abc import Iterator

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from accounts.models import User
from tests.sshgateway.conftest import Desk, Server, SwitchableCheck
from tests.sshgateway.sshd import Node

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(transactional_db: None, access_check: SwitchableCheck) -> Iterator[Server]:
    """The gateway on a websocket class as uvicorn brings it."""
    with contextlib.ExitStack() as stack:
        running = Server(WebSocketsSansIOProtocol)
        stack.callback(running.stop)
        yield running


async def test_a_shell_from_its_prompt_to_its_end(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.run("seq 100000 | tail -n 1; echo size $(stty size)", "size 24 80")
        await client.run("yes | head -c 2000000; echo all-$((1+1))", "all-2")
        await client.type("exit 3\n")
        await client.until_closed()
    assert client.end is not None
    assert (client.end.reason, client.end.exit_status) == ("exited", 3)


async def test_a_bad_frame_is_refused_with_its_reason(desk: Desk, node: Node, alice: User) -> None:
    session = await desk.open(alice, node.target())
    async with desk.attach(session, alice) as client:
        await client.until_ready()
        await client.socket.send(b"\x7f")
        await client.until_closed()
    assert (client.close_code, client.close_reason) == (4400, "unknown_opcode")

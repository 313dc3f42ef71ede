"""A portal with nothing but the gateway in it, on a real socket, and real nodes to reach."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
from asgiref.sync import sync_to_async
from channels.routing import ProtocolTypeRouter, URLRouter

from accounts import services as accounts
from accounts.audit.trail import Actor
from accounts.models import User
from accounts.refusals import Refused
from accounts.users.websocket_authentication import WebsocketAuthentication
from portal import serving
from sshgateway.authorization import terminal_authorization
from sshgateway.models import TerminalSession
from sshgateway.process import gateway
from sshgateway.process.lifespan import lifespan
from sshgateway.routing import websocket_urlpatterns
from sshgateway.sessions import session_actions
from sshgateway.ssh.targets import Target
from tests.sshgateway import sshd
from tests.sshgateway.client import Client
from tests.waiting import LIMIT, wait_for

T = TypeVar("T")


async def until(
    condition: Callable[[], Awaitable[T | Literal[False] | None]], what: str, limit: float = LIMIT
) -> T:
    """Return the first true value of `condition`, within `limit` seconds; for changes that no event announces."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit):
            while not (answer := await condition()):
                await asyncio.sleep(0.02)
            return answer
    raise AssertionError(f"Not within {limit:g} s: {what}")


@pytest.fixture
def make_node(transactional_db: None, tmp_path: Path) -> Iterator[Callable[..., sshd.Node]]:
    """Start sshd nodes; they end with the test."""
    nodes: list[sshd.Node] = []

    def make(**options: Any) -> sshd.Node:
        nodes.append(sshd.start(tmp_path / f"node{len(nodes)}", **options))
        return nodes[-1]

    yield make
    for node in nodes:
        node.stop()


@pytest.fixture
def node(make_node: Callable[..., sshd.Node]) -> sshd.Node:
    """One sshd that trusts this portal."""
    return make_node()


@dataclass
class SwitchableCheck:
    """An access check that a test can switch: refuses with `refusal` if there is one."""

    refusal: Refused | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, session: TerminalSession, user: User, source_address: str) -> None:
        self.asked.append((session.pk, source_address))
        if self.refusal is not None:
            raise self.refusal


@pytest.fixture
def access_check(monkeypatch: pytest.MonkeyPatch) -> SwitchableCheck:
    """The only check while the test runs, of sessions about "test:..."; lets everybody in until told otherwise."""
    check = SwitchableCheck()
    monkeypatch.setattr(terminal_authorization, "_checks", {"test": check})
    return check


class Server:
    """A gateway that serves as the portal does, in a thread of the test process."""

    def __init__(
        self, ws: type[asyncio.Protocol] | None = None, application: Callable[..., Any] | None = None
    ) -> None:
        only_terminals = ProtocolTypeRouter(
            {"websocket": WebsocketAuthentication(URLRouter(websocket_urlpatterns)), "lifespan": lifespan}
        )
        config = serving.config(application or only_terminals)
        config.ws = ws or config.ws
        self._uvicorn = serving.Server(config, gateway.end_all_sessions)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._uvicorn.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        wait_for(lambda: self._uvicorn.started, "uvicorn starts")

    @property
    def connections(self) -> list[Any]:
        """uvicorn's protocol object for each connection."""
        return list(self._uvicorn.server_state.connections)

    @property
    def tasks(self) -> int:
        """How many websockets are being served."""
        return len(self._uvicorn.server_state.tasks)

    def ask_to_stop(self) -> None:
        """Ask it to stop, as SIGTERM does."""
        self._uvicorn.should_exit = True

    def stop(self) -> None:
        self.ask_to_stop()
        self._thread.join(LIMIT)
        assert not self._thread.is_alive(), "the gateway did not stop"


@pytest.fixture
def server(transactional_db: None, access_check: SwitchableCheck) -> Iterator[Server]:
    """The gateway, running."""
    with contextlib.ExitStack() as stack:
        running = Server()
        stack.callback(running.stop)
        yield running


@pytest.fixture
def make_session(db: None) -> Callable[..., TerminalSession]:
    """Make a session as a row whose target does not exist."""

    def make(owner: User, **options: Any) -> TerminalSession:
        target = Target("127.0.0.1", 22, "nobody", ("ssh-ed25519 AAAA",), "head of Test", "test:1", "head")
        return session_actions.open_session(owner, replace(target, **options), source_address="127.0.0.1")

    return make


@dataclass
class Desk:
    """Opens sessions and attaches clients to them."""

    server: Server
    tokens: dict[int, str] = field(default_factory=dict)

    def token(self, user: User) -> str:
        if user.pk not in self.tokens:
            _, self.tokens[user.pk] = accounts.create_api_token(Actor(user), user, "test")
        return self.tokens[user.pk]

    async def open(self, user: User, target: Any) -> TerminalSession:
        await sync_to_async(self.token)(user)
        return await sync_to_async(session_actions.open_session)(user, target, 80, 24, "127.0.0.1")

    def attach(self, session: TerminalSession, user: User, **options: Any) -> Client:
        """Return a client of `session` signed in as `user`; enter it with `async with`."""
        url = f"ws://127.0.0.1:{self.server.port}{session.websocket_path}"
        return Client(url, self.tokens[user.pk], **options)

    async def row(self, session: TerminalSession) -> TerminalSession:
        return await TerminalSession.objects.aget(pk=session.pk)


@pytest.fixture
def desk(server: Server) -> Desk:
    """Opens sessions and attaches clients."""
    return Desk(server)

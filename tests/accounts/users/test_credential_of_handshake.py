"""The credential of a real handshake with cookies and session is valid until the browser signs out."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from accounts.models import User
from accounts.users.session_validity import SignInCredential, credential_of, is_credential_valid
from accounts.users.websocket_authentication import Receive, Scope, Send, WebsocketAuthentication
from tests.waiting import LIMIT

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "127.0.0.1:8000"


async def test_a_browsers_handshake(alice: User) -> None:
    client = Client()
    await sync_to_async(client.force_login)(alice)
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    found: list[SignInCredential] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(credential_of(scope))

    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/ws/",
        "query_string": b"",
        "client": ("192.0.2.7", 4711),
        "headers": [
            (b"host", HOST.encode()),
            (b"origin", f"http://{HOST}".encode()),
            (b"cookie", cookie.encode()),
        ],
    }
    communicator: Any = ApplicationCommunicator  # without types of its own
    socket = communicator(WebsocketAuthentication(inner), scope)
    await socket.send_input({"type": "websocket.connect"})
    await socket.wait(LIMIT)
    [credential] = found
    assert await sync_to_async(is_credential_valid)(alice.pk, credential)
    await sync_to_async(client.logout)()
    assert not await sync_to_async(is_credential_valid)(alice.pk, credential)

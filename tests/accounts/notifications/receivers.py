"""Real receivers for tests: an HTTP server that plays what webhooks meet, and an SMTP server that keeps its mail."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HTTPReceiver:
    """What an HTTP server received, and how it answers: `answer(handler)` writes the whole answer."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    answer: Callable[[BaseHTTPRequestHandler], None] = lambda handler: say(handler, 204)


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """Answer like an ordinary server. Keyword `Retry_After` is the header Retry-After."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def http_receiver() -> Iterator[HTTPReceiver]:
    """An HTTP server on loopback."""
    found = HTTPReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.requests.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            try:
                found.answer(self)
            except OSError:
                self.close_connection = True  # the sender did not wait

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as its base calls it)
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def raw_receiver(talk: Callable[[socket.socket], None], greeting: bytes = b"") -> Iterator[str]:
    """A server that sends `greeting`, waits for words, and then does what `talk` does; answers its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_talk, args=(talk, connection, greeting), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _talk(talk: Callable[[socket.socket], None], connection: socket.socket, greeting: bytes) -> None:
    with connection:
        try:
            connection.sendall(greeting)
            connection.recv(65536)
            talk(connection)
        except OSError:
            return


@dataclass
class MailReceiver:
    """What an SMTP server received. `refuse` returns what it answers to a recipient instead of taking it."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refuse: Callable[[str], str] = lambda address: ""
    refuse_data: Callable[[EmailMessage], str] = lambda mail: ""

    async def handle_RCPT(  # noqa: N802 (as aiosmtpd calls it)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.refuse(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content or b""
        mail = message_from_bytes(
            content if isinstance(content, bytes) else content.encode(), policy=policy.default
        )
        assert isinstance(mail, EmailMessage)
        if refusal := self.refuse_data(mail):
            return refusal
        self.mails.append(mail)
        return "250 OK"


@contextmanager
def mail_receiver() -> Iterator[MailReceiver]:
    """An SMTP server on loopback."""
    found = MailReceiver()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found.port = probe.getsockname()[1]
    controller = Controller(found, hostname="127.0.0.1", port=found.port)
    controller.start()
    try:
        yield found
    finally:
        controller.stop()

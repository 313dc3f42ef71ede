"""The websocket of a terminal session: decode a client's frames, check access, attach the client, deliver to it.

Close codes: 1000 after END; 1011 a fault of ours; 4400 a malformed or misplaced frame; 4401 signed out (END came
before); 4403 access refused (END came before); 4404 no such session, or not theirs; 4408 no HELLO in time; 4409 another
process has the shell.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from functools import partial

from django.conf import settings

from accounts.users.session_validity import credential_of
from sshgateway.models import TerminalSession
from sshgateway.process import gateway, session_store
from sshgateway.process.asgi_websocket import ASGIWebsocket
from sshgateway.process.delivery import Delivery, DirectDelivery, QueuedDelivery
from sshgateway.process.session_store import Admission, in_database
from sshgateway.recording.recorder import ANNOUNCEMENT
from sshgateway.sessions import visit_log
from sshgateway.ssh.host_keys import fingerprint
from sshgateway.terminals import frames
from sshgateway.terminals.attachment import INPUT_WINDOW, WINDOW, Attachment, ClientIdentity
from sshgateway.terminals.end_reasons import End, EndReason, end_for
from sshgateway.terminals.frame_faults import BadFrame, FrameFault
from sshgateway.terminals.frames import ClientFrame, Ended, Hello, Pong, Ready, ServerFrame
from sshgateway.terminals.roles import Role
from sshgateway.terminals.terminal import Terminal

log = logging.getLogger(__name__)

HELLO_SECONDS = 10.0

OVER = 1000
SERVER_ERROR = 1011
BAD_FRAME = 4400
NOT_SIGNED_IN = 4401
NOT_ADMITTED = 4403
NOT_FOUND = 4404
TOO_SLOW = 4408
ELSEWHERE = 4409


@dataclass(frozen=True)
class _Attached:
    """The terminal that this client is attached to, and its attachment there."""

    terminal: Terminal
    attachment: Attachment

    def detach(self) -> None:
        """Leave the terminal. Idempotent."""
        self.terminal.detach(self.attachment)


class TerminalConsumer(ASGIWebsocket):
    """One client of one session. Arrives authenticated: `scope["user"]` and `scope["source_address"]` are set."""

    session: TerminalSession | None = None
    attached: _Attached | None = None
    serving: asyncio.Task[None] | None = None
    refusing: asyncio.Task[None] | None = None
    hello_timer: asyncio.TimerHandle | None = None
    size: tuple[int, int] | None = None
    visit_id: int | None = None

    # --- called by the server
    # ---------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Accept, so that the client can read a refusal; then check that it may know of the session."""
        offered = self.scope.get("subprotocols") or []
        await self.accept(frames.SUBPROTOCOL if frames.SUBPROTOCOL in offered else None)
        session_id: str = self.scope["url_route"]["kwargs"]["session_id"]
        session = await in_database(session_store.find)(session_id, self.scope["user"])
        if session is None:
            await self.close(NOT_FOUND, EndReason.NOT_FOUND)
            return
        if session.route not in ("", settings.HEADNODE_GATEWAY_NAME):
            await self.close(ELSEWHERE, EndReason.ELSEWHERE)
            return
        self.session = session
        self.hello_timer = asyncio.get_running_loop().call_later(HELLO_SECONDS, self._hello_missing)

    async def disconnect(self, code: int) -> None:
        """Detach the client; the shell stays."""
        if self.hello_timer is not None:
            self.hello_timer.cancel()
        await self._stop_serving()
        if self.visit_id is not None:
            await in_database(visit_log.record_departure)(self.visit_id)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle one frame. Never waits for the shell, so that an ACK or Ctrl-C behind it gets through."""
        if self.session is None or self.refusing is not None:
            return
        try:
            if bytes_data is None:
                raise BadFrame(FrameFault.TEXT_FRAME, "Frames are binary messages.")
            answer = self._handle(frames.decode(bytes_data))
        except BadFrame as error:
            self._start_refusing(error)
        else:
            if answer is not None:
                await self._send(answer)

    def receive_now(self, message: bytes) -> None:
        """Handle one frame that arrived directly; input takes the shortest way to the shell."""
        assert self.direct is not None  # noqa: S101
        try:
            data = frames.input_data(message)
            if data is not None and self.attached is not None:
                self.attached.terminal.type(self.attached.attachment, data)
                return
            answer = self._handle(frames.decode(message))
        except BadFrame as error:
            self._start_refusing(error)
        else:
            if answer is not None:
                self.direct.send_now(frames.encode(answer))

    # --- frames
    # ---------------------------------------------------------------------------------------------

    def _handle(self, frame: ClientFrame) -> ServerFrame | None:
        """Do what a frame asks for; return the answer, if there is one. Raises BadFrame."""
        match frame:
            case Hello():
                self._start_serving(frame)
            case frames.Ping(payload):
                return Pong(payload)
            case frames.Resize(cols, rows):
                self.size = (cols, rows)
                if self.attached is not None:
                    self.attached.terminal.resize(self.attached.attachment, cols, rows)
            case _ if self.attached is None:
                raise BadFrame(FrameFault.NOT_READY, "Say HELLO and wait for READY first.")
            case frames.Input(data):
                self.attached.terminal.type(self.attached.attachment, data)
            case frames.Ack(offset):
                self.attached.terminal.acknowledge(self.attached.attachment, offset)
            case frames.Close():
                self._close_shell(self.attached)
        return None

    def _close_shell(self, attached: _Attached) -> None:
        if not attached.attachment.participant.is_owner:
            raise BadFrame(
                FrameFault.NOT_OWNER, "Only its owner closes a terminal; close your window instead."
            )
        attached.terminal.end(end_for(EndReason.CLOSED_BY_OWNER), show_rest=False)

    def _start_serving(self, hello: Hello) -> None:
        if self.serving is not None:
            raise BadFrame(FrameFault.SECOND_HELLO, "HELLO is said once per socket.")
        if self.hello_timer is not None:
            self.hello_timer.cancel()
        self.serving = asyncio.create_task(self._serve_or_report(hello))

    # --- serving
    # ---------------------------------------------------------------------------------------------

    async def _serve_or_report(self, hello: Hello) -> None:
        try:
            await self._serve(hello)
        except OSError:
            log.debug("A terminal's socket was closed while something was sent to it.")
        except Exception:  # whatever it is: the person gets a sentence, the log gets the rest
            log.exception("Serving a terminal failed.")
            with contextlib.suppress(Exception):  # the socket may be what failed
                await self._end(end_for(EndReason.SERVER_ERROR), SERVER_ERROR)

    async def _serve(self, hello: Hello) -> None:
        """1. Check access. 2. Find or open the shell. 3. Attach. 4. Deliver until the end."""
        assert self.session is not None  # noqa: S101 - HELLO is only handled with a session
        source_address: str = self.scope.get("source_address", "")
        via = "api" if self.scope.get("api_token") else "page"
        admitted = await in_database(session_store.admit)(
            self.session, self.scope["user"], source_address, via
        )
        if isinstance(admitted, End):
            await self._end(admitted, NOT_ADMITTED)
            return
        self.visit_id = admitted.visit_id
        self.session.cols, self.session.rows = hello.cols, hello.rows
        delivery = self._delivery()
        try:
            terminal = await gateway.current().find_or_open(
                self.session, source_address, admitted.participant
            )
            attached = self._attach(terminal, hello, admitted, delivery)
        except gateway.NotAttachable as absence:
            await self._end(absence.end, OVER if absence.final else ELSEWHERE, final=absence.final)
            return
        except BadFrame as error:
            await self._refuse(error)
            return
        await self._deliver(attached, delivery, hello)

    def _delivery(self) -> Delivery:
        if self.direct is None:
            return QueuedDelivery(self._send)
        return DirectDelivery(self.direct, self.receive_now)

    def _attach(self, terminal: Terminal, hello: Hello, admitted: Admission, delivery: Delivery) -> _Attached:
        """Attach this client, and tell it and the others what people have to know. Raises BadFrame."""
        client = ClientIdentity(
            admitted.participant,
            self.scope.get("source_address", ""),
            credential_of(self.scope),
            admitted.visit_id,
        )
        cols, rows = self.size or (hello.cols, hello.rows)
        attachment = terminal.attach(client, delivery, offset=hello.offset, cols=cols, rows=rows)
        self.attached = _Attached(terminal, attachment)
        _notify_of_arrival(terminal, attachment, is_first=hello.offset == 0)
        return self.attached

    async def _deliver(self, attached: _Attached, delivery: Delivery, hello: Hello) -> None:
        terminal, attachment = attached.terminal, attached.attachment
        try:
            await self._send(self._ready(hello, terminal, attachment))
            ended = await delivery.run(partial(terminal.take_frames, attachment))
            await self.close(_close_code(ended), ended.reason)
        finally:
            attached.detach()

    async def _stop_serving(self) -> None:
        if self.attached is not None:
            self.attached.detach()
        if self.serving is not None and self.serving is not asyncio.current_task():
            self.serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.serving

    def _ready(self, hello: Hello, terminal: Terminal, attachment: Attachment) -> Ready:
        assert self.session is not None  # noqa: S101
        return Ready(
            session=self.session.pk,
            node=self.session.node,
            label=self.session.label,
            principal=self.session.principal,
            address=self.session.address,
            port=self.session.port,
            fingerprint=fingerprint(self.session.host_keys[0]),
            offset=attachment.sent,
            skipped=attachment.sent - hello.offset,
            printed=terminal.bytes_out,
            window=WINDOW,
            input_window=INPUT_WINDOW,
        )

    # --- the end
    # ---------------------------------------------------------------------------------------------

    async def _send(self, frame: ServerFrame) -> None:
        await self.send(bytes_data=frames.encode(frame))

    async def _end(self, end: End, code: int, *, final: bool = False) -> None:
        """Send END and close the socket."""
        await self._send(Ended(end.reason, end.message, final, end.exit_status))
        await self.close(code, end.reason)

    def _start_refusing(self, error: BadFrame) -> None:
        """Handle nothing more of this client, and close its socket."""
        if self.direct is not None:
            self.direct.release()
        self.refusing = asyncio.create_task(self._refuse(error))

    async def _refuse(self, error: BadFrame) -> None:
        await self._stop_serving()
        with contextlib.suppress(OSError):  # the client may be gone already
            await self._end(End(error.reason, str(error)), BAD_FRAME)

    def _hello_missing(self) -> None:
        self.serving = asyncio.create_task(self.close(TOO_SLOW, "no_hello"))


def _notify_of_arrival(terminal: Terminal, attachment: Attachment, *, is_first: bool) -> None:
    """Tell the owner of an administrator, a guest whose terminal it is, and everybody that it is recorded."""
    role = attachment.participant.role
    if role is Role.ADMINISTRATOR:
        terminal.participants.notify_owner(f"An administrator ({attachment.name}) is watching.")
    elif role is Role.GUEST and is_first:
        attachment.notify(f"This is a terminal of {terminal.participants.owner_name}, shared with you.")
    if terminal.participants.recorded and is_first:
        attachment.notify(ANNOUNCEMENT)


def _close_code(ended: Ended) -> int:
    if ended.final:
        return OVER
    return NOT_SIGNED_IN if ended.reason == EndReason.NOT_SIGNED_IN else NOT_ADMITTED

"""The websocket of a terminal session: frames in and out, nothing else. The shell is `terminal`'s business.

Close codes: 1000 after END; 1011 our fault; 4400 a frame that is none (reason word); 4401 signed out (END came
before); 4403 not admitted (END
came before); 4404 no such session, or not yours; 4408 no HELLO in time; 4409 the shell lives in another
process.
"""

import asyncio
import contextlib
import logging

from django.conf import settings

from accounts.users.session_validity import credential_of
from sshgateway.models import TerminalSession
from sshgateway.process import gateway, session_store
from sshgateway.process.asgi_websocket import Socket
from sshgateway.process.delivery import deliver_by_turns, deliver_directly
from sshgateway.process.session_store import in_database
from sshgateway.recording.recorder import ANNOUNCEMENT
from sshgateway.sessions import participant_log
from sshgateway.ssh.host_keys import fingerprint
from sshgateway.terminals import frames
from sshgateway.terminals.attachment import INPUT_WINDOW, WINDOW, Attachment
from sshgateway.terminals.end_reasons import End
from sshgateway.terminals.frames import BadFrame, ClientFrame, Ended, Hello, Pong, Ready, ServerFrame
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


class TerminalConsumer(Socket):
    """One client of one session. Comes authenticated: `scope["user"]` and `scope["source_address"]`."""

    session: TerminalSession | None = None
    terminal: Terminal | None = None
    attachment: Attachment | None = None
    serving: asyncio.Task[None] | None = None
    refusing: asyncio.Task[None] | None = None
    late: asyncio.TimerHandle | None = None
    size: tuple[int, int] | None = None
    visit_id: int | None = None

    async def connect(self) -> None:
        """Accept, so that a refusal can be read; then see whether the session is this person's."""
        offered = self.scope.get("subprotocols") or []
        await self.accept(frames.SUBPROTOCOL if frames.SUBPROTOCOL in offered else None)
        session_id: str = self.scope["url_route"]["kwargs"]["session_id"]
        session = await in_database(session_store.find)(session_id, self.scope["user"])
        if session is None:
            await self.close(NOT_FOUND, "not_found")
            return
        if session.route not in ("", settings.HEADNODE_GATEWAY_NAME):
            await self.close(ELSEWHERE, "elsewhere")
            return
        self.session = session
        self.late = asyncio.get_running_loop().call_later(HELLO_SECONDS, self._no_hello)

    async def disconnect(self, code: int) -> None:
        """The socket is gone; the shell is not."""
        if self.late is not None:
            self.late.cancel()
        await self._stop_serving()
        if self.visit_id is not None:
            await in_database(participant_log.end)(self.visit_id)

    async def _stop_serving(self) -> None:
        if self.terminal is not None and self.attachment is not None:
            self.terminal.detach(self.attachment)
        if self.serving is not None and self.serving is not asyncio.current_task():
            self.serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.serving

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One frame. Never waits for the shell, so that an ACK or Ctrl-C behind it gets through."""
        if self.session is None or self.refusing is not None:
            return
        try:
            if bytes_data is None:
                raise BadFrame("text_frame", "Frames are binary messages.")
            answer = self._handle(frames.decode(bytes_data))
        except BadFrame as error:
            self._begin_to_refuse(error)
        else:
            if answer is not None:
                await self._send(answer)

    def receive_now(self, message: bytes) -> None:
        """The same for a message that came directly."""
        assert self.direct is not None  # noqa: S101
        try:
            data = frames.typed(message)
            if data is not None and self.terminal is not None and self.attachment is not None:
                self.terminal.type(self.attachment, data)
                return
            answer = self._handle(frames.decode(message))
        except BadFrame as error:
            self._begin_to_refuse(error)
        else:
            if answer is not None:
                self.direct.send_now(frames.encode(answer))

    def _handle(self, frame: ClientFrame) -> ServerFrame | None:
        """Do what a frame asks for; what is to be answered, if anything. Raises BadFrame."""
        match frame:
            case frames.Input(data) if self.terminal is not None and self.attachment is not None:
                self.terminal.type(self.attachment, data)
            case frames.Ack(offset) if self.terminal is not None and self.attachment is not None:
                self.terminal.acknowledge(self.attachment, offset)
            case Hello():
                if self.serving is not None:
                    raise BadFrame("second_hello", "HELLO is said once per socket.")
                if self.late is not None:
                    self.late.cancel()
                self.serving = asyncio.create_task(self._serve_or_say_so(frame))
            case frames.Ping(payload):
                return Pong(payload)
            case frames.Resize(cols, rows):
                self.size = (cols, rows)
                if self.terminal is not None and self.attachment is not None:
                    self.terminal.resize(self.attachment, cols, rows)
            case _ if self.terminal is None or self.attachment is None:
                raise BadFrame("not_ready", "Say HELLO and wait for READY first.")
            case frames.Close() if not self.attachment.place.is_owner:
                raise BadFrame("not_owner", "Only its owner closes a terminal; close your window instead.")
            case frames.Close():
                self.terminal.end(End("closed_by_owner", "You closed this terminal."), show_rest=False)
        return None

    async def _serve_or_say_so(self, hello: Hello) -> None:
        try:
            await self._serve(hello)
        except OSError:
            log.debug("A terminal's socket went away while something was sent to it.")
        except Exception:  # whatever it is: the person gets a sentence, the log gets the rest
            log.exception("Serving a terminal failed.")
            with contextlib.suppress(Exception):  # the socket may be what failed
                ended = Ended("server_error", "Something went wrong in the portal. Try again.", final=False)
                await self._say_goodbye(ended, SERVER_ERROR)

    async def _serve(self, hello: Hello) -> None:
        """1. Ask the gatekeepers. 2. Find or open the shell. 3. Attach. 4. Send until the end."""
        assert self.session is not None  # noqa: S101 - HELLO is only handled with a session
        source_address: str = self.scope.get("source_address", "")
        via = "api" if self.scope.get("api_token") else "page"
        admitted = await in_database(session_store.admit)(
            self.session, self.scope["user"], source_address, via
        )
        if isinstance(admitted, End):
            await self._say_goodbye(Ended(admitted.reason, admitted.message, final=False), NOT_ADMITTED)
            return
        self.visit_id = admitted.visit_id
        self.session.cols, self.session.rows = hello.cols, hello.rows
        try:
            terminal = await gateway.current().terminal(self.session, source_address, admitted.place)
            cols, rows = self.size or (hello.cols, hello.rows)
            credential = credential_of(self.scope)
            self.attachment = terminal.attach(
                hello.offset, cols, rows, source_address, credential, admitted.place
            )
            self.attachment.visit_id = admitted.visit_id
        except gateway.NotHere as absence:
            ended = Ended(absence.end.reason, absence.end.message, absence.final, absence.end.exit_status)
            await self._say_goodbye(ended, OVER if absence.final else ELSEWHERE)
            return
        except BadFrame as error:
            await self._refuse(error)
            return
        self.terminal = terminal
        self._introduce(terminal, self.attachment, fresh=hello.offset == 0)
        try:
            await self._send(self._ready(hello, terminal, self.attachment))
            if self.direct is None:
                ended = await deliver_by_turns(terminal, self.attachment, self._send)
            else:
                ended = await deliver_directly(terminal, self.attachment, self.direct, self.receive_now)
            await self.close(_code_of(ended), ended.reason)
        finally:
            terminal.detach(self.attachment)

    def _introduce(self, terminal: Terminal, attachment: Attachment, *, fresh: bool) -> None:
        """Say what people have to know when somebody comes."""
        if attachment.place.role is Role.ADMINISTRATOR:
            terminal.company.notify_owner(f"An administrator ({attachment.who}) is watching.")
        elif attachment.place.role is Role.GUEST and fresh:
            attachment.notify(f"This is a terminal of {terminal.company.owner_name}, shared with you.")
        if terminal.company.recorded and fresh:
            attachment.notify(ANNOUNCEMENT)

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

    async def _send(self, frame: ServerFrame) -> None:
        await self.send(bytes_data=frames.encode(frame))

    async def _say_goodbye(self, ended: Ended, code: int) -> None:
        await self._send(ended)
        await self.close(code, ended.reason)

    def _begin_to_refuse(self, error: BadFrame) -> None:
        """From here on nothing of this client is heard."""
        if self.direct is not None:
            self.direct.release()
        self.refusing = asyncio.create_task(self._refuse(error))

    async def _refuse(self, error: BadFrame) -> None:
        await self._stop_serving()
        with contextlib.suppress(OSError):  # it need not wait for it
            await self._send(Ended(error.reason, str(error), final=False))
            await self.close(BAD_FRAME, error.reason)

    def _no_hello(self) -> None:
        self.serving = asyncio.create_task(self.close(TOO_SLOW, "no_hello"))


def _code_of(ended: Ended) -> int:
    if ended.final:
        return OVER
    return NOT_SIGNED_IN if ended.reason == "not_signed_in" else NOT_ADMITTED

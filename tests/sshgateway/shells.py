"""A shell that a test controls, and clients attached to its terminal without a websocket."""

from accounts.users.session_validity import NO_CREDENTIAL
from sshgateway.ssh.shell_channel import ShellListener
from sshgateway.terminals.attachment import Attachment, ClientIdentity, ClientSink
from sshgateway.terminals.roles import Participant, Role
from sshgateway.terminals.terminal import Terminal

OWNER = Participant(Role.OWNER, 1, "alice", may_type=True)


class PrintingShell:
    """Prints what a test has it print, and keeps what is typed."""

    connected, failed, disconnect_message = True, False, ""
    listener: ShellListener

    def __init__(self) -> None:
        self.typed = b""
        self.closed = False

    def start(self, listener: ShellListener) -> None:
        self.listener = listener

    def grant(self, size: int) -> None: ...

    def write(self, data: bytes) -> int:
        self.typed += data
        return len(data)

    def resize(self, cols: int, rows: int) -> None: ...

    async def exit_status(self) -> int | None:
        return 0

    def close(self) -> None:
        self.closed = True


class SilentSink:
    """A client that is sent nothing by itself; the test takes its frames."""

    def output_ready(self) -> None: ...
    def news_ready(self) -> None: ...


def attach(terminal: Terminal, participant: Participant, sink: ClientSink) -> Attachment:
    """Attach a window of this person to the terminal, from the beginning of its output."""
    client = ClientIdentity(participant, "192.0.2.1", NO_CREDENTIAL)
    return terminal.attach(client, sink, offset=0, cols=80, rows=24)

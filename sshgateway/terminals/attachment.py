"""One client of a terminal: what it was sent, what it acknowledged, what it typed. Bookkeeping only; does no I/O.

Two windows keep memory bounded. Output: at most `WINDOW` bytes may be sent and not yet acknowledged. Input: at most
`INPUT_WINDOW` bytes may be received and not yet passed to the shell. A client that exceeds one gets a BadFrame.
"""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from accounts.users.session_validity import SignInCredential
from sshgateway.terminals.end_reasons import End
from sshgateway.terminals.frame_faults import BadFrame, FrameFault
from sshgateway.terminals.frames import Presence
from sshgateway.terminals.output_history import Resumption
from sshgateway.terminals.roles import Participant

WINDOW = 256 * 1024
INPUT_WINDOW = 128 * 1024
# Acknowledge input in steps: once per keystroke would double the traffic.
INPUT_ACK_STEP = 16 * 1024
NOTICES_KEPT = 16


class ClientSink(Protocol):
    """Sends frames to one client. Both methods are called on the event loop and must neither block nor raise."""

    def output_ready(self) -> None:
        """Called when there is output to send, or room for it. It must not wait."""

    def news_ready(self) -> None:
        """Called when there is something to send besides output. It may wait for the next turn of the loop."""


@dataclass(frozen=True)
class ClientIdentity:
    """Who a client belongs to. `visit_id` is the row of a visit by somebody who is not the owner."""

    participant: Participant
    source_address: str
    credential: SignInCredential
    visit_id: int | None = None


class Attachment:
    """A client that is attached to one terminal. `Terminal.attach` makes it."""

    def __init__(self, resumption: Resumption, client: ClientIdentity, sink: ClientSink) -> None:
        self.participant = client.participant
        self.source_address = client.source_address
        self.credential = client.credential
        self.visit_id = client.visit_id
        self.sink = sink
        self.since = datetime.now(UTC)
        # Until when (loop time) somebody who is not the owner may stay; each review of the rows extends it.
        self.confirmed_until: float | None = None
        self.participant_changed_at = float("-inf")
        self.sent = self.acked = resumption.offset
        # What is sent before the next output, in place of bytes that are no longer kept.
        self.modes = resumption.modes
        self.input_received = 0
        self.input_passed = 0
        self._input_acked = 0
        self.notices: deque[str] = deque(maxlen=NOTICES_KEPT)
        # Seconds left of the idle countdown, None when it was stopped; empty when there is nothing to say.
        self.idle_news: deque[int | None] = deque(maxlen=1)
        # Why this client must leave although the shell stays; set by `expel`.
        self.expelled: End | None = None
        self._presence: Presence | None = None
        self._last_presence: Presence | None = None

    @property
    def name(self) -> str:
        """The person's name."""
        return self.participant.name

    @property
    def may_type(self) -> bool:
        """Whether their input reaches the shell."""
        return self.participant.may_type

    @property
    def credit(self) -> int:
        """How many bytes of output may be sent now."""
        return WINDOW - (self.sent - self.acked)

    @property
    def has_news(self) -> bool:
        """Whether there is something to send besides output."""
        return bool(
            self.notices
            or self.idle_news
            or self._presence is not None
            or self.input_passed - self._input_acked >= INPUT_ACK_STEP
        )

    @property
    def may_have_to_leave(self) -> bool:
        """Whether that has to be checked before more is sent: always, except for an owner who was not expelled."""
        return self.expelled is not None or self.confirmed_until is not None

    def is_unconfirmed(self, now: float) -> bool:
        """Whether the permission of somebody who is not the owner was not confirmed in time."""
        return self.confirmed_until is not None and now >= self.confirmed_until

    def acknowledge(self, offset: int) -> None:
        """Note that the client has drawn everything before `offset`. An older acknowledgement changes nothing."""
        if offset > self.sent:
            raise BadFrame(FrameFault.BAD_ACK, f"Acknowledged up to {offset}, but only {self.sent} was sent.")
        self.acked = max(self.acked, offset)
        self.sink.output_ready()

    @property
    def printed_from(self) -> int:
        """The offset of the next byte to send as the shell printed it."""
        return self.sent + len(self.modes)

    def take_modes(self) -> bytes:
        """Return the sequence that sets the terminal's modes, once; it counts as sent."""
        modes, self.modes = self.modes, b""
        self.sent += len(modes)
        return modes

    def skip(self, resumption: Resumption) -> int:
        """Give up on output that is no longer kept; return how many bytes the client misses."""
        missed = resumption.printed_from - self.sent
        # What was in flight counts as acknowledged: no later ACK could tell it from what was skipped.
        self.sent = self.acked = resumption.offset
        self.modes = resumption.modes
        return missed

    def receive_input(self, size: int) -> None:
        """Count input that arrived. Raises BadFrame when too much is waiting."""
        if self.input_received + size - self.input_passed > INPUT_WINDOW:
            raise BadFrame(
                FrameFault.INPUT_OVERFLOW,
                f"More than {INPUT_WINDOW} bytes of input are waiting; send no more before INPUT_ACK.",
            )
        self.input_received += size

    def pass_input(self, size: int) -> None:
        """Count input that the shell accepted."""
        self.input_passed += size
        if self.input_passed - self._input_acked >= INPUT_ACK_STEP:
            self.sink.news_ready()

    def take_input_ack(self) -> int | None:
        """Return the total to acknowledge now, once; None if it is too early."""
        if self.input_passed - self._input_acked < INPUT_ACK_STEP:
            return None
        self._input_acked = self.input_passed
        return self._input_acked

    def notify(self, sentence: str) -> None:
        """Show a sentence to the person."""
        self.notices.append(sentence)
        self.sink.news_ready()

    def show_idle(self, seconds_left: int | None) -> None:
        """Show the idle countdown, or that it was stopped."""
        self.idle_news.append(seconds_left)
        self.sink.news_ready()

    def expel(self, why: End) -> None:
        """Make this client leave; the shell stays for the others."""
        self.expelled = why
        self.sink.news_ready()

    def show_presence(self, presence: Presence) -> None:
        """Show who is here, unless that is what the client was told last."""
        if presence != self._last_presence:
            self._last_presence = self._presence = presence
            self.sink.news_ready()

    def take_presence(self) -> Presence | None:
        """Return the presence that is to be sent now, once."""
        presence, self._presence = self._presence, None
        return presence

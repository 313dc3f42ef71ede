"""One client's place in a terminal: what it was sent, what it acknowledged, what it typed. Pure bookkeeping.

Two windows keep memory bounded. Output: at most `WINDOW` bytes may be sent and not yet acknowledged. Input:
at most `INPUT_WINDOW` bytes may be received and not yet passed to the shell. A client that oversteps gets a
BadFrame.
"""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from accounts.users.session_validity import Credential
from sshgateway.terminals.end_reasons import End
from sshgateway.terminals.frames import BadFrame, Situation
from sshgateway.terminals.roles import NOBODY, Participant

WINDOW = 256 * 1024
INPUT_WINDOW = 128 * 1024
# Tell the client about accepted input in steps: once per keystroke would double the traffic.
INPUT_ACK_STEP = 16 * 1024
NOTICES_KEPT = 16


class Attachment:
    """Belongs to one terminal; made by `Terminal.attach`."""

    def __init__(
        self, offset: int, source_address: str, credential: Credential, place: Participant = NOBODY
    ) -> None:
        self.source_address = source_address
        self.credential = credential
        self.place = place
        self.since = datetime.now(UTC)
        # Until when (loop time) whoever is not the owner may be here; each look at the rows renews it.
        self.confirmed_until: float | None = None
        # The row that says they are here.
        self.visit_id: int | None = None
        self.place_changed_at = float("-inf")
        self.situation: Situation | None = None
        self._told: Situation | None = None
        self.sent = offset
        self.acked = offset
        self.input_received = 0
        self.input_passed = 0
        self.input_told = 0
        self.notices: deque[str] = deque(maxlen=NOTICES_KEPT)
        # Why this client must leave although the shell stays; set by `expel`.
        self.expelled: End | None = None
        # What to say of the idle countdown: seconds left, None when it was stopped; nothing when there is no news.
        self.idle_news: deque[int | None] = deque(maxlen=1)
        # Called whenever there may be something new to send: news, or output, which must not wait.
        self.wake: Callable[[], None] = lambda: None
        self.send_due: Callable[[], None] = lambda: None

    @property
    def who(self) -> str:
        """The person's name."""
        return self.place.name

    @property
    def may_type(self) -> bool:
        """Whether their input reaches the shell."""
        return self.place.may_type

    @property
    def credit(self) -> int:
        """How many bytes of output may be sent now."""
        return WINDOW - (self.sent - self.acked)

    @property
    def has_news(self) -> bool:
        """Whether there is something to say beside the output."""
        return bool(
            self.notices
            or self.idle_news
            or self.situation is not None
            or self.input_passed - self.input_told >= INPUT_ACK_STEP
        )

    @property
    def stays_for_sure(self) -> bool:
        """Whether nothing has to be asked: an owner who was not told to leave."""
        return self.expelled is None and self.confirmed_until is None

    def acknowledge(self, offset: int) -> None:
        """The client has everything before `offset` on its screen. An older acknowledgement changes nothing."""
        if offset > self.sent:
            raise BadFrame("bad_ack", f"Acknowledged up to {offset}, but only {self.sent} was sent.")
        self.acked = max(self.acked, offset)
        self.send_due()

    def skip_to(self, offset: int) -> int:
        """Give up on output that is no longer kept; answers how many bytes the client misses."""
        missed = offset - self.sent
        # What was in flight counts as acknowledged: no later ACK could tell it from what was skipped.
        self.sent = self.acked = offset
        return missed

    def receive_input(self, size: int) -> None:
        """Count input that arrived."""
        if self.input_received + size - self.input_passed > INPUT_WINDOW:
            raise BadFrame(
                "input_overflow",
                f"More than {INPUT_WINDOW} bytes of input are waiting; send no more before INPUT_ACK.",
            )
        self.input_received += size

    def pass_input(self, size: int) -> None:
        """Count input that the shell took."""
        self.input_passed += size
        if self.input_passed - self.input_told >= INPUT_ACK_STEP:
            self.wake()

    def input_ack(self) -> int | None:
        """The total to acknowledge now, if it is time to."""
        if self.input_passed - self.input_told < INPUT_ACK_STEP:
            return None
        self.input_told = self.input_passed
        return self.input_told

    def notify(self, sentence: str) -> None:
        """Have a sentence shown to the person."""
        self.notices.append(sentence)
        self.wake()

    def expel(self, why: End) -> None:
        """Have this client leave; the shell stays for the others."""
        self.expelled = why
        self.wake()

    def tell(self, situation: Situation) -> None:
        """Have the client told how things stand, if it was not told so last."""
        if situation != self._told:
            self._told = self.situation = situation
            self.wake()

    def take_situation(self) -> Situation | None:
        """What is to be told now, once."""
        situation, self.situation = self.situation, None
        return situation

"""The people in a terminal: how many may attach, what each may do, and what each is shown of the others."""

from collections import deque
from collections.abc import Mapping, Sequence

from sshgateway.terminals.attachment import NOTICES_KEPT, Attachment
from sshgateway.terminals.end_reasons import End, EndReason, end_for
from sshgateway.terminals.frame_faults import BadFrame, FrameFault
from sshgateway.terminals.frames import Presence, PresentPerson
from sshgateway.terminals.roles import Participant, Role

MAX_ATTACHMENTS = 8
# Others may have at most this many windows, so that there is always one for the owner.
MAX_GUESTS = 6
# How long the permission of somebody who is not the owner lasts without being confirmed by the rows.
CONFIRMED_SECONDS = 15.0
# Input that was under way when typing was withdrawn is dropped; later input is a client's mistake.
GRACE_SECONDS = 3.0


class Participants:
    """The clients attached to one terminal. Times are the event loop's."""

    def __init__(self, owner_name: str, size: tuple[int, int]) -> None:
        self.owner_name = owner_name
        self.size = size
        self.members: list[Attachment] = []
        self._for_owner: deque[str] = deque(maxlen=NOTICES_KEPT)
        # Programs query their terminal and expect one answer: it comes from the owner's window that was used last.
        self._answering: Attachment | None = None
        # Whether everybody is shown that the terminal is recorded.
        self.recorded = False

    def add(self, attachment: Attachment, now: float) -> None:
        """Attach a client. Raises BadFrame (`too_many_sockets`)."""
        if len(self.members) >= MAX_ATTACHMENTS:
            raise BadFrame(
                FrameFault.TOO_MANY_SOCKETS, f"At most {MAX_ATTACHMENTS} windows can show one terminal."
            )
        if not attachment.participant.is_owner:
            if sum(not member.participant.is_owner for member in self.members) >= MAX_GUESTS:
                raise BadFrame(
                    FrameFault.TOO_MANY_SOCKETS,
                    f"At most {MAX_GUESTS} windows can show a terminal of somebody else.",
                )
            attachment.confirmed_until = now + CONFIRMED_SECONDS
        self.members.append(attachment)
        if attachment.participant.is_owner:
            while self._for_owner:
                attachment.notify(self._for_owner.popleft())
            self._answering = self._answering or attachment
        self._show_presence()

    def remove(self, attachment: Attachment) -> None:
        """Detach a client."""
        self.members.remove(attachment)
        if attachment is self._answering:
            self._answering = next((member for member in self.members if member.participant.is_owner), None)
        self._show_presence()

    def note_typing(self, attachment: Attachment) -> None:
        """Note that somebody typed in this window; the owner's then answers programs' queries."""
        if attachment is self._answering or not attachment.participant.is_owner:
            return
        if attachment in self.members:
            self._answering = attachment
            self._show_presence()

    def answers(self, attachment: Attachment) -> bool:
        """Whether this window answers programs' queries."""
        return attachment is self._answering

    def resize(self, cols: int, rows: int) -> bool:
        """Set the terminal's size; return whether it changed."""
        if self.size == (cols, rows):
            return False
        self.size = (cols, rows)
        self._show_presence()
        return True

    def notify(self, sentence: str) -> None:
        """Show a sentence to everybody."""
        for member in self.members:
            member.notify(sentence)

    def notify_owner(self, sentence: str) -> None:
        """Show a sentence to the owner, as soon as they are attached."""
        owners = [member for member in self.members if member.participant.is_owner]
        for owner in owners:
            owner.notify(sentence)
        if not owners:
            self._for_owner.append(sentence)

    def show_recorded(self, recorded: bool) -> None:
        """Show everybody from now on that the terminal is recorded, or that it is not."""
        self.recorded = recorded
        self._show_presence()

    # --- permissions
    # ---------------------------------------------------------------------------------------------

    def apply_review(
        self, expelled: Mapping[int, End], confirmed: Mapping[int, Participant], now: float
    ) -> None:
        """Apply what a review of the rows found, by `id` of the attachment.

        `expelled`: who must leave and why. `confirmed`: what the others who are not the owner may do.
        """
        for member in list(self.members):
            if (why := expelled.get(id(member))) is not None:
                member.expel(why)
            elif (participant := confirmed.get(id(member))) is not None:
                self._confirm(member, participant, now)

    def _confirm(self, attachment: Attachment, participant: Participant, now: float) -> None:
        attachment.confirmed_until = now + CONFIRMED_SECONDS
        if attachment.participant != participant:
            attachment.participant = participant
            attachment.participant_changed_at = now
            self._show_presence()

    def expel_if_unconfirmed(self, attachment: Attachment, now: float) -> None:
        """Make a client leave whose permission was not confirmed for too long."""
        if attachment.expelled is None and attachment.is_unconfirmed(now):
            attachment.expel(end_for(EndReason.NOT_CONFIRMED))

    def accepts_input(self, attachment: Attachment, now: float) -> bool:
        """Whether a client's input goes to the shell. Raises BadFrame (`view_only`) if it must not type at all."""
        if attachment.expelled is not None or attachment.is_unconfirmed(now):
            return False
        if attachment.may_type:
            return True
        if now < attachment.participant_changed_at + GRACE_SECONDS:
            return False
        raise BadFrame(
            FrameFault.VIEW_ONLY, f"{self.owner_name} lets you watch this terminal, not type in it."
        )

    # --- presence
    # ---------------------------------------------------------------------------------------------

    def _show_presence(self) -> None:
        for member in self.members:
            member.show_presence(presence_for(member, self))


def presence_for(attachment: Attachment, participants: Participants) -> Presence:
    """Return what one client is shown. Only the owner and administrators see addresses."""
    cols, rows = participants.size
    role = attachment.participant.role
    return Presence(
        role=role.value,
        name=attachment.name,
        owner=participants.owner_name,
        may_type=attachment.may_type,
        answers=participants.answers(attachment),
        recorded=participants.recorded,
        cols=cols,
        rows=rows,
        people=_people(participants.members, with_addresses=role is not Role.GUEST),
    )


def _people(members: Sequence[Attachment], *, with_addresses: bool) -> tuple[PresentPerson, ...]:
    """Return one entry for each person and role, in the order they came, with the number of their windows."""
    windows: dict[tuple[str, Role], list[Attachment]] = {}
    for member in members:
        windows.setdefault((member.name, member.participant.role), []).append(member)
    return tuple(
        PresentPerson(
            name=name,
            role=role.value,
            may_type=theirs[0].may_type,
            since=theirs[0].since.isoformat(timespec="seconds").replace("+00:00", "Z"),
            windows=len(theirs),
            address=theirs[0].source_address if with_addresses else None,
        )
        for (name, role), theirs in windows.items()
    )

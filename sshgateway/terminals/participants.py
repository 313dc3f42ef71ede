"""Who is in a terminal together: room for each, what each may do, and what each is told of the others."""

from collections import deque
from collections.abc import Sequence

from sshgateway.terminals import end_reasons
from sshgateway.terminals.attachment import NOTICES_KEPT, Attachment
from sshgateway.terminals.end_reasons import End
from sshgateway.terminals.frames import BadFrame, Presence, Situation
from sshgateway.terminals.roles import Participant, Role

MAX_ATTACHMENTS = 8
# The owner always finds room: others may have so many windows of it at most.
MAX_GUESTS = 6
# So long the permission of others holds without being confirmed by the rows.
CONFIRMED_SECONDS = 15.0
# Keys that were under way when typing was withdrawn are dropped; later ones are a client's mistake.
GRACE_SECONDS = 3.0


class Participants:
    """The clients of one terminal. Times are the event loop's."""

    def __init__(self, owner_name: str, size: tuple[int, int]) -> None:
        self.owner_name = owner_name
        self.size = size
        self.members: list[Attachment] = []
        self._for_owner: deque[str] = deque(maxlen=NOTICES_KEPT)
        # Programs ask their terminal things and expect one answer: the owner's window that was used last gives it.
        self._answering: Attachment | None = None
        # Whether everybody is to see that the terminal is recorded.
        self.recorded = False

    def admit(self, attachment: Attachment, now: float) -> None:
        """Let a client in. Raises BadFrame where there is no room."""
        if len(self.members) >= MAX_ATTACHMENTS:
            raise BadFrame("too_many_sockets", f"At most {MAX_ATTACHMENTS} windows can show one terminal.")
        if not attachment.place.is_owner:
            if sum(not member.place.is_owner for member in self.members) >= MAX_GUESTS:
                raise BadFrame(
                    "too_many_sockets", f"At most {MAX_GUESTS} windows can show a terminal of somebody else."
                )
            attachment.confirmed_until = now + CONFIRMED_SECONDS
        self.members.append(attachment)
        if attachment.place.is_owner:
            while self._for_owner:
                attachment.notify(self._for_owner.popleft())
            self._answering = self._answering or attachment
        self.tell()

    def leave(self, attachment: Attachment) -> None:
        """A client left."""
        self.members.remove(attachment)
        if attachment is self._answering:
            self._answering = next((member for member in self.members if member.place.is_owner), None)
        self.tell()

    def used(self, attachment: Attachment) -> None:
        """Somebody types in this window."""
        if attachment is not self._answering and attachment.place.is_owner and attachment in self.members:
            self._answering = attachment
            self.tell()

    def answers(self, attachment: Attachment) -> bool:
        """Whether this window answers what programs ask."""
        return attachment is self._answering

    def resize(self, cols: int, rows: int) -> bool:
        """The terminal's size is this now; answers whether that is news."""
        if self.size == (cols, rows):
            return False
        self.size = (cols, rows)
        self.tell()
        return True

    def notify(self, sentence: str) -> None:
        """Show a sentence to everybody."""
        for member in self.members:
            member.notify(sentence)

    def notify_owner(self, sentence: str) -> None:
        """Have the owner read a sentence, as soon as they are here."""
        owners = [member for member in self.members if member.place.is_owner]
        for owner in owners:
            owner.notify(sentence)
        if not owners:
            self._for_owner.append(sentence)

    def show_recorded(self, recorded: bool) -> None:
        """Say from now on that the terminal is recorded, or that it is not."""
        self.recorded = recorded
        self.tell()

    def confirm(self, attachment: Attachment, place: Participant, now: float) -> None:
        """The rows say that somebody who is not the owner may be here, and what they may do."""
        attachment.confirmed_until = now + CONFIRMED_SECONDS
        if attachment.place != place:
            attachment.place = place
            attachment.place_changed_at = now
            self.tell()

    def follow_rows(self, unwelcome: dict[int, End], places: dict[int, Participant], now: float) -> None:
        """What a look at the rows found: who must leave and why, and what the others who are not the owner may do."""
        for member in list(self.members):
            if (why := unwelcome.get(id(member))) is not None:
                member.expel(why)
            elif (place := places.get(id(member))) is not None:
                self.confirm(member, place, now)

    def may_type(self, attachment: Attachment, now: float) -> bool:
        """Whether a client's input goes to the shell. Raises BadFrame (`view_only`) where it should know better."""
        if not may_stay(attachment, now):
            return False
        if attachment.may_type:
            return True
        if now < attachment.place_changed_at + GRACE_SECONDS:
            return False
        raise BadFrame("view_only", f"{self.owner_name} lets you watch this terminal, not type in it.")

    def tell(self) -> None:
        """Tell each client how things stand for it."""
        for member in self.members:
            member.tell(situation(member, self))


def may_stay(attachment: Attachment, now: float) -> bool:
    """Whether a client may still be served; one whose permission was not confirmed for too long has to leave."""
    until = attachment.confirmed_until
    if attachment.expelled is None and until is not None and now >= until:
        attachment.expel(end_reasons.end("not_confirmed"))
    return attachment.expelled is None


def situation(of: Attachment, company: Participants) -> Situation:
    """How things stand for one client. Addresses of others are told to the owner and to administrators only."""
    cols, rows = company.size
    return Situation(
        role=of.place.role.value,
        name=of.who,
        owner=company.owner_name,
        may_type=of.may_type,
        answers=company.answers(of),
        recorded=company.recorded,
        cols=cols,
        rows=rows,
        people=_people(company.members, with_addresses=of.place.role is not Role.GUEST),
    )


def _people(members: Sequence[Attachment], *, with_addresses: bool) -> tuple[Presence, ...]:
    """One line a person and role, in the order they came; their windows counted."""
    windows: dict[tuple[str, Role], list[Attachment]] = {}
    for member in members:
        windows.setdefault((member.who, member.place.role), []).append(member)
    return tuple(
        Presence(
            name=name,
            role=role.value,
            may_type=theirs[0].may_type,
            since=theirs[0].since.isoformat(timespec="seconds").replace("+00:00", "Z"),
            windows=len(theirs),
            address=theirs[0].source_address if with_addresses else None,
        )
        for (name, role), theirs in windows.items()
    )

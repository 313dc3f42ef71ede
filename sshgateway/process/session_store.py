"""What a gateway process reads and writes in the rows of its sessions. Synchronous: call through `in_database`.

Nothing here decides; conditional updates make sure that of several processes one wins.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from channels.db import database_sync_to_async
from django.utils import timezone

from accounts.audit.trail import Actor
from accounts.models import User
from accounts.refusals import Refused
from accounts.users import session_validity
from accounts.users.session_validity import Credential as SignInCredential
from sshgateway.authorization import terminal_authorization
from sshgateway.certificates import credentials
from sshgateway.certificates.credentials import Credential
from sshgateway.models import TerminalSession
from sshgateway.sessions import participant_log
from sshgateway.signals import host_key_changed
from sshgateway.ssh.errors import HostKeyChanged
from sshgateway.terminals import end_reasons
from sshgateway.terminals.end_reasons import End
from sshgateway.terminals.roles import Participant, Role

log = logging.getLogger(__name__)

in_database = database_sync_to_async

HEARTBEAT_EVERY = timedelta(seconds=10)
# A 409 says that the node is on its way out, not that the person may not be there. Who is in may stay and
# see it.
CONFLICT = 409
END_MESSAGE_LENGTH = 500


@dataclass(frozen=True)
class Visitor:
    """One client of a terminal. `visit_id` is the row of one that is not the owner's."""

    key: int
    place: Participant
    source_address: str
    credential: SignInCredential
    visit_id: int | None = None


@dataclass(frozen=True)
class Report:
    """What the gateway knows of a terminal it holds."""

    session_id: str
    bytes_in: int
    bytes_out: int
    last_keystroke_at: datetime | None
    visitors: tuple[Visitor, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What the rows say about it: to be ended, or who must leave and why, or what others' places are now.

    Clients go by their visitors' keys.
    """

    end: End | None = None
    show_rest: bool = True
    unwelcome: tuple[tuple[int, End], ...] = ()
    places: tuple[tuple[int, Participant], ...] = ()


@dataclass(frozen=True)
class Admitted:
    """Somebody may be in a session: in which place and, when it is not their own, in which visit."""

    place: Participant
    visit_id: int | None = None


def find(session_id: str, user: Any) -> TerminalSession | None:
    """The session, if this person may know of it: their own, one shared with them, any for an administrator."""
    session = TerminalSession.objects.select_related("owner").filter(pk=session_id).first()
    if session is None:
        return None
    place = terminal_authorization.place_of(session, user)
    if place is None or (session.ended_at is not None and place.role is Role.GUEST):
        return None
    return session


def admit(session: TerminalSession, user: Any, source_address: str, via: str) -> Admitted | End:
    """Ask the gatekeepers; the answer is why not, or the person's place. A guest's visit is written down."""
    try:
        place = terminal_authorization.admit(session, user, source_address)
    except Refused as refusal:
        return end_reasons.end(refusal.reason, refusal.message)
    if place.is_owner or not TerminalSession.objects.filter(pk=session.pk, ended_at__isnull=True).exists():
        return Admitted(place)
    return Admitted(place, participant_log.begin(session, place, user, Actor(user, source_address, via)).pk)


def claim(session: TerminalSession, gateway: str, source_address: str) -> bool:
    """Take a session that was never attached; exactly one process in the world gets True."""
    now = timezone.now()
    unclaimed = TerminalSession.objects.filter(
        pk=session.pk, attached_at__isnull=True, ended_at__isnull=True, end_requested_reason=""
    )
    taken = unclaimed.update(
        attached_at=now,
        heartbeat_at=now,
        gateway=gateway,
        source_address=source_address or session.source_address,
    )
    return taken == 1


def issue(session: TerminalSession) -> Credential:
    """A credential for this session's target. The node's log names the person and the subject, not the session."""
    return credentials.issue(
        session.principal, for_whom=f"{session.owner.get_username()} {session.subject} terminal"
    )


def sound_alarm(session: TerminalSession, error: HostKeyChanged) -> None:
    """Tell whoever is above that a node showed a key that is not a pinned one."""
    for _, failed in host_key_changed.send_robust(TerminalSession, session=session, error=error):
        if isinstance(failed, Exception):
            log.error("The host key alarm for %s was not taken: %r", session.label, failed)


def save_end(session_id: str, end: End, bytes_in: int, bytes_out: int, keystroke: datetime | None) -> bool:
    """Write the end, once. Answers whether it was this call that wrote it."""
    usual = end_reasons.end(end.reason, exit_status=end.exit_status).message
    participant_log.close_all(session_id)
    open_row = TerminalSession.objects.filter(pk=session_id, ended_at__isnull=True)
    return (
        open_row.update(
            ended_at=timezone.now(),
            end_reason=end.reason,
            exit_status=end.exit_status,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            last_keystroke_at=keystroke,
            end_message=end.message[:END_MESSAGE_LENGTH] if end.message != usual else "",
        )
        == 1
    )


def review(reports: list[Report]) -> dict[str, Verdict]:
    """Write what the gateway knows, read what the rows and the gatekeepers say.

    What many sessions have in common is asked once, and their heartbeats are written at once.
    """
    with terminal_authorization.asked_once(), session_validity.asked_once():
        return _review_all(reports)


def _review_all(reports: list[Report]) -> dict[str, Verdict]:
    ids = [report.session_id for report in reports]
    rows = TerminalSession.objects.select_related("owner").in_bulk(ids)
    there = [visitor.visit_id for report in reports for visitor in report.visitors]
    participant_log.close_forgotten(ids, [visit_id for visit_id in there if visit_id is not None])
    quiet = [report.session_id for report in reports if _is_quiet(report, rows.get(report.session_id))]
    TerminalSession.objects.filter(pk__in=quiet, ended_at__isnull=True).update(heartbeat_at=timezone.now())
    return {report.session_id: _review(report, rows.get(report.session_id)) for report in reports}


def _review(report: Report, row: TerminalSession | None) -> Verdict:
    if row is None:
        return Verdict(end=end_reasons.end("access_withdrawn"))
    if row.ended_at is not None or row.end_requested_reason:
        return Verdict(end=end_reasons.end(row.end_reason or row.end_requested_reason, row.end_message))
    _note(report, row)
    owners = [visitor for visitor in report.visitors if visitor.place.is_owner]
    refused = {
        address: why
        for address in sorted({visitor.source_address for visitor in owners} or {row.source_address})
        if (why := _refusal(row, row.owner, address)) is not None
    }
    unwelcome = [
        (owner.key, refused[owner.source_address]) for owner in owners if owner.source_address in refused
    ]
    if refused and len(unwelcome) == len(owners):
        return Verdict(end=next(iter(refused.values())), show_rest=False)
    # The shell stays a while for a person who signs in again.
    unwelcome += [(owner.key, end_reasons.end("not_signed_in")) for owner in owners if _signed_out(owner)]
    places: list[tuple[int, Participant]] = []
    for visitor in report.visitors:
        if not visitor.place.is_owner:
            now = _place_now(row, visitor)
            if isinstance(now, End):
                unwelcome.append((visitor.key, now))
            else:
                places.append((visitor.key, now))
    return Verdict(unwelcome=tuple(unwelcome), places=tuple(places))


def _place_now(row: TerminalSession, visitor: Visitor) -> Participant | End:
    """What the rows say of somebody who is not the owner: their place, or why they must leave."""
    user = User.objects.filter(pk=visitor.place.person_id or 0).first()
    place = terminal_authorization.place_of(row, user) if user is not None else None
    if user is None or place is None or place.role is not visitor.place.role:
        taken_back = f"{row.owner.get_username()} does not share this terminal with you any more."
        if visitor.place.role is Role.GUEST:
            return end_reasons.end("share_revoked", taken_back)
        return end_reasons.end("access_withdrawn")
    if _signed_out(visitor):
        return end_reasons.end("not_signed_in")
    return _refusal(row, user, visitor.source_address) or place


def _refusal(row: TerminalSession, user: Any, address: str) -> End | None:
    try:
        terminal_authorization.admit(row, user, address)
    except Refused as refusal:
        return end_reasons.end(refusal.reason, refusal.message) if refusal.status != CONFLICT else None
    return None


def _signed_out(visitor: Visitor) -> bool:
    person_id = visitor.place.person_id
    return person_id is None or not session_validity.still_good(person_id, visitor.credential)


def _is_quiet(report: Report, row: TerminalSession | None) -> bool:
    """Whether there is nothing to write about it but that it lives, and it is time to."""
    if row is None or (row.bytes_in, row.bytes_out) != (report.bytes_in, report.bytes_out):
        return False
    return row.heartbeat_at is None or timezone.now() - row.heartbeat_at >= HEARTBEAT_EVERY


def _note(report: Report, row: TerminalSession) -> None:
    if (row.bytes_in, row.bytes_out) != (report.bytes_in, report.bytes_out):
        TerminalSession.objects.filter(pk=row.pk, ended_at__isnull=True).update(
            heartbeat_at=timezone.now(),
            bytes_in=report.bytes_in,
            bytes_out=report.bytes_out,
            last_keystroke_at=report.last_keystroke_at,
        )

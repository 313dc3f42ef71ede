"""The rows of the sessions that a gateway process holds: find, claim, review, end. Synchronous: use `in_database`.

Conditional updates make sure that one of several processes wins. Who has access is decided by
`sshgateway.authorization`, not here.
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
from sshgateway.authorization import terminal_authorization
from sshgateway.certificates.credentials import issue_credential
from sshgateway.models import TerminalSession
from sshgateway.sessions import visit_log
from sshgateway.signals import host_key_changed
from sshgateway.ssh.credential import Credential
from sshgateway.ssh.errors import HostKeyChanged
from sshgateway.terminals.end_reasons import End, EndReason, end_for
from sshgateway.terminals.roles import Participant, Role

log = logging.getLogger(__name__)

in_database = database_sync_to_async

HEARTBEAT_EVERY = timedelta(seconds=10)
# A refusal with 409 means that the node is shutting down, not that the person has no access. Who is attached may stay.
CONFLICT = 409
END_MESSAGE_LENGTH = 500


@dataclass(frozen=True)
class ClientReport:
    """One client of a terminal. `visit_id` is the row of a visit by somebody who is not the owner."""

    key: int
    participant: Participant
    source_address: str
    credential: session_validity.SignInCredential
    visit_id: int | None = None


@dataclass(frozen=True)
class SessionReport:
    """What the gateway knows of a session that it holds."""

    session_id: str
    bytes_in: int
    bytes_out: int
    last_keystroke_at: datetime | None
    clients: tuple[ClientReport, ...] = ()


@dataclass(frozen=True)
class ReviewResult:
    """What the rows say about a session: its end, or who must leave and why, and what others may do now.

    Clients are named by the keys of their reports. `owner_expelled`: one of them is the owner's.
    """

    end: End | None = None
    show_rest: bool = True
    expelled: tuple[tuple[int, End], ...] = ()
    confirmed: tuple[tuple[int, Participant], ...] = ()
    owner_expelled: bool = False


@dataclass(frozen=True)
class Admission:
    """Somebody may be in a session. `visit_id` is the row of the visit, unless they are the owner."""

    participant: Participant
    visit_id: int | None = None


def find(session_id: str, user: Any) -> TerminalSession | None:
    """Return the session if it is this person's own, shared with them, or if they are an administrator."""
    session = TerminalSession.objects.select_related("owner").filter(pk=session_id).first()
    if session is None:
        return None
    participant = terminal_authorization.participant_for(session, user)
    if participant is None or (session.ended_at is not None and participant.role is Role.GUEST):
        return None
    return session


def admit(session: TerminalSession, user: Any, source_address: str, via: str) -> Admission | End:
    """Check access, and record the visit of somebody who is not the owner. Return why not, if it is refused."""
    try:
        participant = terminal_authorization.authorize(session, user, source_address)
    except Refused as refusal:
        return end_for(refusal.reason, refusal.message)
    has_ended = not TerminalSession.objects.filter(pk=session.pk, ended_at__isnull=True).exists()
    if participant.is_owner or has_ended:
        return Admission(participant)
    visit = visit_log.record_arrival(session, participant, user, Actor(user, source_address, via))
    return Admission(participant, visit.pk)


def claim(session: TerminalSession, gateway: str, source_address: str) -> bool:
    """Claim a session that was never attached. Exactly one process gets True."""
    now = timezone.now()
    unclaimed = TerminalSession.objects.filter(
        pk=session.pk, attached_at__isnull=True, ended_at__isnull=True, end_requested_reason=""
    )
    claimed = unclaimed.update(
        attached_at=now,
        heartbeat_at=now,
        gateway=gateway,
        source_address=source_address or session.source_address,
    )
    return claimed == 1


def issue_credential_for(session: TerminalSession) -> Credential:
    """Issue a credential for the session's target. The node logs the person and the subject, not the session's id."""
    return issue_credential(
        session.principal,
        for_whom=f"{session.owner.get_username()} {session.subject} terminal",
        target=session.address,
        permits_pty=True,
    )


def raise_host_key_alarm(session: TerminalSession, error: HostKeyChanged) -> None:
    """Tell the app above that a node showed a host key that is not pinned."""
    for _, failed in host_key_changed.send_robust(TerminalSession, session=session, error=error):
        if isinstance(failed, Exception):
            log.error("The host key alarm for %s was not taken: %r", session.label, failed)


def save_end(session_id: str, end: End, bytes_in: int, bytes_out: int, keystroke: datetime | None) -> bool:
    """Save the end, once. Return whether this call saved it."""
    usual = end_for(end.reason, exit_status=end.exit_status).message
    visit_log.close_visits(session_id)
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


# --- the review
# -------------------------------------------------------------------------------------------------


def review(reports: list[SessionReport]) -> dict[str, ReviewResult]:
    """Save what the gateway reports; return, by session id, what the rows and the access checks say now.

    What many sessions have in common is checked once, and heartbeats are saved in one statement.
    """
    with terminal_authorization.cached_decisions(), session_validity.cached_answers():
        return _review_all(reports)


def _review_all(reports: list[SessionReport]) -> dict[str, ReviewResult]:
    ids = [report.session_id for report in reports]
    rows = TerminalSession.objects.select_related("owner").in_bulk(ids)
    visits = [client.visit_id for report in reports for client in report.clients]
    visit_log.close_stale_visits(ids, [visit_id for visit_id in visits if visit_id is not None])
    quiet = [
        report.session_id for report in reports if _needs_only_heartbeat(report, rows.get(report.session_id))
    ]
    TerminalSession.objects.filter(pk__in=quiet, ended_at__isnull=True).update(heartbeat_at=timezone.now())
    return {report.session_id: _review(report, rows.get(report.session_id)) for report in reports}


def _review(report: SessionReport, row: TerminalSession | None) -> ReviewResult:
    if row is None:
        return ReviewResult(end=end_for(EndReason.ACCESS_WITHDRAWN))
    if row.ended_at is not None or row.end_requested_reason:
        return ReviewResult(end=end_for(row.end_reason or row.end_requested_reason, row.end_message))
    _save_counters(report, row)
    owners = [client for client in report.clients if client.participant.is_owner]
    refused = _refused_addresses(row, owners)
    expelled = [
        (owner.key, refused[owner.source_address]) for owner in owners if owner.source_address in refused
    ]
    if refused and len(expelled) == len(owners):
        return ReviewResult(end=next(iter(refused.values())), show_rest=False)
    # The shell stays a while for a person who signs in again.
    expelled += [(owner.key, end_for(EndReason.NOT_SIGNED_IN)) for owner in owners if _is_signed_out(owner)]
    owner_expelled = bool(expelled)
    confirmed: list[tuple[int, Participant]] = []
    for client in report.clients:
        if not client.participant.is_owner:
            found = _review_visitor(row, client)
            if isinstance(found, End):
                expelled.append((client.key, found))
            else:
                confirmed.append((client.key, found))
    return ReviewResult(expelled=tuple(expelled), confirmed=tuple(confirmed), owner_expelled=owner_expelled)


def _refused_addresses(row: TerminalSession, owners: list[ClientReport]) -> dict[str, End]:
    """Return the addresses that the owner may not come from, of those they are attached from, and why."""
    addresses = sorted({owner.source_address for owner in owners} or {row.source_address})
    checked = {address: _refusal(row, row.owner, address) for address in addresses}
    return {address: why for address, why in checked.items() if why is not None}


def _review_visitor(row: TerminalSession, client: ClientReport) -> Participant | End:
    """Return what somebody who is not the owner may do now, or why they must leave."""
    user = User.objects.filter(pk=client.participant.person_id).first()
    participant = terminal_authorization.participant_for(row, user) if user is not None else None
    if user is None or participant is None or participant.role is not client.participant.role:
        if client.participant.role is Role.GUEST:
            message = f"{row.owner.get_username()} does not share this terminal with you any more."
            return end_for(EndReason.SHARE_REVOKED, message)
        return end_for(EndReason.ACCESS_WITHDRAWN)
    if _is_signed_out(client):
        return end_for(EndReason.NOT_SIGNED_IN)
    return _refusal(row, user, client.source_address) or participant


def _refusal(row: TerminalSession, user: Any, address: str) -> End | None:
    """Return why the person may not be in the session from this address; None if they may."""
    try:
        terminal_authorization.authorize(row, user, address)
    except Refused as refusal:
        return end_for(refusal.reason, refusal.message) if refusal.status != CONFLICT else None
    return None


def _is_signed_out(client: ClientReport) -> bool:
    return not session_validity.is_credential_valid(client.participant.person_id, client.credential)


def _has_same_counters(report: SessionReport, row: TerminalSession) -> bool:
    return (row.bytes_in, row.bytes_out) == (report.bytes_in, report.bytes_out)


def _needs_only_heartbeat(report: SessionReport, row: TerminalSession | None) -> bool:
    """Whether a heartbeat is due and nothing else is to be saved."""
    if row is None or not _has_same_counters(report, row):
        return False
    return row.heartbeat_at is None or timezone.now() - row.heartbeat_at >= HEARTBEAT_EVERY


def _save_counters(report: SessionReport, row: TerminalSession) -> None:
    if not _has_same_counters(report, row):
        TerminalSession.objects.filter(pk=row.pk, ended_at__isnull=True).update(
            heartbeat_at=timezone.now(),
            bytes_in=report.bytes_in,
            bytes_out=report.bytes_out,
            last_keystroke_at=report.last_keystroke_at,
        )

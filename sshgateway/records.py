"""What a gateway process reads and writes in the rows of its sessions. Synchronous: call through `in_database`.

Nothing here decides; conditional updates make sure that of several processes one wins.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from channels.db import database_sync_to_async
from django.utils import timezone

from accounts import still_signed_in
from accounts.refusals import Refused
from accounts.still_signed_in import Credential as SignInCredential
from sshgateway import credentials, ends, gatekeeper
from sshgateway.credentials import Credential
from sshgateway.ends import End
from sshgateway.models import TerminalSession
from sshgateway.signals import host_key_changed
from sshgateway.ssh_errors import HostKeyChanged

log = logging.getLogger(__name__)

in_database = database_sync_to_async

HEARTBEAT_EVERY = timedelta(seconds=10)
# A 409 says that the node is on its way out, not that the person may not be there. Who is in may stay and
# see it.
CONFLICT = 409


@dataclass(frozen=True)
class Report:
    """What the gateway knows of a terminal it holds."""

    session_id: str
    bytes_in: int
    bytes_out: int
    last_keystroke_at: datetime | None
    addresses: frozenset[str]
    signed_in_with: frozenset[SignInCredential] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """What the rows say about it: to be ended, or who must leave and why (by address or by credential)."""

    end: End | None = None
    unwelcome: tuple[tuple[str | SignInCredential, End], ...] = ()


def find(session_id: str, user: Any) -> TerminalSession | None:
    """The session, if it is this person's."""
    return TerminalSession.objects.filter(pk=session_id, owner=user).first()


def admit(session: TerminalSession, source_address: str) -> End | None:
    """Ask the gatekeepers; the answer is why not, or None for welcome."""
    try:
        gatekeeper.admit(session, session.owner, source_address)
    except Refused as refusal:
        return ends.end(refusal.reason, refusal.message)
    return None


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
    open_row = TerminalSession.objects.filter(pk=session_id, ended_at__isnull=True)
    return (
        open_row.update(
            ended_at=timezone.now(),
            end_reason=end.reason,
            exit_status=end.exit_status,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            last_keystroke_at=keystroke,
        )
        == 1
    )


def review(reports: list[Report]) -> dict[str, Verdict]:
    """Write what the gateway knows, read what the rows and the gatekeepers say."""
    rows = TerminalSession.objects.select_related("owner").in_bulk([report.session_id for report in reports])
    return {report.session_id: _review(report, rows.get(report.session_id)) for report in reports}


def _review(report: Report, row: TerminalSession | None) -> Verdict:
    if row is None:
        return Verdict(end=ends.end("access_withdrawn"))
    if row.ended_at is not None or row.end_requested_reason:
        return Verdict(end=ends.end(row.end_reason or row.end_requested_reason))
    _note(report, row)
    addresses = report.addresses or frozenset((row.source_address,))
    unwelcome: list[tuple[str | SignInCredential, End]] = []
    for address in sorted(addresses):
        try:
            gatekeeper.admit(row, row.owner, address)
        except Refused as refusal:
            if refusal.status != CONFLICT:
                unwelcome.append((address, ends.end(refusal.reason, refusal.message)))
    if len(unwelcome) == len(addresses):
        return Verdict(end=unwelcome[0][1], unwelcome=tuple(unwelcome))
    # The shell stays a while for a person who signs in again.
    signed_out = [
        (credential, ends.end("not_signed_in"))
        for credential in report.signed_in_with
        if not still_signed_in.still_good(row.owner_id, credential)
    ]
    return Verdict(unwelcome=(*unwelcome, *signed_out))


def _note(report: Report, row: TerminalSession) -> None:
    now = timezone.now()
    changed = (row.bytes_in, row.bytes_out) != (report.bytes_in, report.bytes_out)
    due = row.heartbeat_at is None or now - row.heartbeat_at >= HEARTBEAT_EVERY
    if changed or due:
        TerminalSession.objects.filter(pk=row.pk, ended_at__isnull=True).update(
            heartbeat_at=now,
            bytes_in=report.bytes_in,
            bytes_out=report.bytes_out,
            last_keystroke_at=report.last_keystroke_at,
        )

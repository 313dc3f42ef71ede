"""Store sentences for people in terminals, until the gateway process that holds the shell shows them."""

from collections.abc import Collection, Sequence

from django.utils import timezone

from sshgateway.models import TerminalNotice, TerminalSession
from sshgateway.models.terminal_notice import LONGEST


def add_notices(sessions: Sequence[TerminalSession], sentence: str) -> list[TerminalSession]:
    """Store the sentence for each session that does not have it yet. Return those sessions."""
    text = " ".join(sentence.split())[:LONGEST]
    have_it = set(
        TerminalNotice.objects.filter(session__in=sessions, sentence=text).values_list(
            "session_id", flat=True
        )
    )
    new = [session for session in sessions if session.pk not in have_it]
    # Another process may add the same sentence at the same time: a constraint keeps one row.
    TerminalNotice.objects.bulk_create(
        [TerminalNotice(session=session, sentence=text) for session in new], ignore_conflicts=True
    )
    return new


def take_unshown(session_ids: Collection[str]) -> list[tuple[str, str]]:
    """Return (session id, sentence) of every notice not shown yet, oldest first, and mark them as shown.

    Call it for sessions that somebody is attached to, from the process that holds their shells: should that process
    die before it shows them, the shells are gone too.
    """
    waiting = TerminalNotice.objects.filter(session__in=session_ids, shown_at__isnull=True)
    found = list(waiting.values_list("pk", "session_id", "sentence"))
    if not found:
        return []
    TerminalNotice.objects.filter(pk__in=[pk for pk, _, _ in found]).update(shown_at=timezone.now())
    return [(session_id, sentence) for _, session_id, sentence in found]

"""Sentences on their way into terminals: rows that the gateway process in charge takes, each once."""

from collections.abc import Collection, Sequence

from django.utils import timezone

from sshgateway.models import TerminalNotice, TerminalSession
from sshgateway.models.terminal_notice import LONGEST


def post(sessions: Sequence[TerminalSession], sentence: str) -> list[TerminalSession]:
    """Write the sentence down for each session that was not told it yet; answers those."""
    text = " ".join(sentence.split())[:LONGEST]
    told = set(
        TerminalNotice.objects.filter(session__in=sessions, sentence=text).values_list(
            "session_id", flat=True
        )
    )
    new = [session for session in sessions if session.pk not in told]
    # Two processes may say the same at once: the constraint keeps one row.
    TerminalNotice.objects.bulk_create(
        [TerminalNotice(session=session, sentence=text) for session in new], ignore_conflicts=True
    )
    return new


def take(session_ids: Collection[str]) -> list[tuple[str, str]]:
    """(session id, sentence) of what these sessions were not shown yet, oldest first; from now on it counts as shown.

    Call it for sessions somebody is attached to, from the process that holds their shells. What is taken and then
    lost with the process is lost with its shells.
    """
    waiting = TerminalNotice.objects.filter(session__in=session_ids, shown_at__isnull=True)
    found = list(waiting.values_list("pk", "session_id", "sentence"))
    if not found:
        return []
    TerminalNotice.objects.filter(pk__in=[pk for pk, _, _ in found]).update(shown_at=timezone.now())
    return [(session_id, sentence) for _, session_id, sentence in found]

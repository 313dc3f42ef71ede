"""What administrators see of terminals."""

from django.db.models import Prefetch, QuerySet

from sshgateway.models import TerminalSession, TerminalVisit


def live_sessions() -> QuerySet[TerminalSession]:
    """Every open terminal, the newest first, each with `watching`: its visits going on."""
    there = TerminalVisit.objects.filter(left_at__isnull=True).select_related("person")
    return (
        TerminalSession.objects.filter(ended_at__isnull=True)
        .select_related("owner", "recording_made")
        .prefetch_related(Prefetch("visits", queryset=there, to_attr="watching"))
    )

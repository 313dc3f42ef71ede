"""List open terminals for administrators."""

from django.db.models import Prefetch, QuerySet

from sshgateway.models import TerminalSession, TerminalVisit


def live_sessions() -> QuerySet[TerminalSession]:
    """Return every open session, newest first, each with its open visits as `watching`."""
    open_visits = TerminalVisit.objects.filter(left_at__isnull=True).select_related("person")
    return (
        TerminalSession.objects.filter(ended_at__isnull=True)
        .select_related("owner", "recording_made")
        .prefetch_related(Prefetch("visits", queryset=open_visits, to_attr="watching"))
    )

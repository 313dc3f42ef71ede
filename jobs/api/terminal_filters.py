"""Filter the list of terminal sessions by query parameters."""

from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from jobs.api.job_filters import search_text
from sshgateway.models import TerminalSession

PARAMETERS = [
    OpenApiParameter(
        "open",
        bool,
        description="`true`: only open sessions; `false`: only those that have ended.",
    ),
    OpenApiParameter("job", str, description="Only sessions on nodes of this job."),
    OpenApiParameter("machine", str, description="Only sessions on this machine."),
]


def filtered(sessions: QuerySet[TerminalSession], query: QueryDict) -> QuerySet[TerminalSession]:
    """Return the sessions that the query string asks for. Raises ValidationError that names the parameter."""
    if asked := query.get("open", ""):
        if asked not in ("true", "false"):
            raise ValidationError({"open": [f"Must be true or false, not {asked[:20]}."]})
        sessions = sessions.filter(ended_at__isnull=asked == "true")
    for kind in ("job", "machine"):
        if name := search_text(query, kind):
            sessions = sessions.filter(subject=f"{kind}:{name}")
    return sessions

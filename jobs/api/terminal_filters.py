"""Which terminal sessions a list is about."""

from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from jobs.api.job_filters import text
from sshgateway.models import TerminalSession

PARAMETERS = [
    OpenApiParameter(
        "open",
        bool,
        description="`true`: only those one could take up again; `false`: only those that have ended.",
    ),
    OpenApiParameter("job", str, description="Only those on nodes of this job."),
    OpenApiParameter("machine", str, description="Only those on this machine."),
]


def filtered(sessions: QuerySet[TerminalSession], query: QueryDict) -> QuerySet[TerminalSession]:
    """The sessions the query string asks for. Raises ValidationError with the parameter at fault."""
    if asked := query.get("open", ""):
        if asked not in ("true", "false"):
            raise ValidationError({"open": [f"Must be true or false, not {asked[:20]}."]})
        sessions = sessions.filter(ended_at__isnull=asked == "true")
    for kind in ("job", "machine"):
        if name := text(query, kind):
            sessions = sessions.filter(subject=f"{kind}:{name}")
    return sessions

"""Filter and order the list of jobs by Rescale's query parameters."""

from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from jobs.models import Job
from jobs.states import JobState

# Rescale has states that jobs here never enter. Asking for them is allowed and finds nothing.
_STATES = {state.name: state.value for state in JobState}
_NEVER_ENTERED = ("WAITING_FOR_CLUSTER", "WAITING_FOR_QUEUE", "FORCE_STOP")
_ORDERS = {"dateInserted": "created_at", "date_inserted": "created_at", "name": "name", "id": "id"}

PARAMETERS = [
    OpenApiParameter(
        "t", str, description="`1`: only jobs that were submitted and have not ended.", enum=["1"]
    ),
    OpenApiParameter(
        "state",
        str,
        description="Only jobs that have ended, or only those that have not.",
        enum=["completed", "not_completed"],
    ),
    OpenApiParameter(
        "job_status",
        str,
        description="Only jobs whose newest status is one of these.",
        enum=[*_STATES, *_NEVER_ENTERED],
        many=True,
    ),
    OpenApiParameter("search", str, description="Part of the name."),
    OpenApiParameter(
        "ordering", str, description="`dateInserted` or `name`; with `-` before it in descending order."
    ),
]


def filtered(jobs: QuerySet[Job], query: QueryDict) -> QuerySet[Job]:
    """Return the jobs that the query string asks for. Raises ValidationError that names the parameter."""
    if query.get("t") == "1":
        jobs = jobs.filter(submitted_at__isnull=False, completed_at__isnull=True)
    jobs = _by_state(jobs, query.get("state", ""))
    if asked := [part for value in query.getlist("job_status") for part in value.split(",") if part]:
        statuses = [_status(name) for name in asked]
        jobs = jobs.filter(latest_status__in=statuses)  # type: ignore[misc]  # annotated by `with_summary`
    if search := search_text(query, "search"):
        jobs = jobs.filter(name__icontains=search)
    return _ordered(jobs, query.get("ordering", ""))


def search_text(query: QueryDict, name: str) -> str:
    """Return a text to search for. Raises ValidationError for a NUL character, which PostgreSQL cannot search."""
    value = query.get(name, "")
    if "\0" in value:
        raise ValidationError({name: ["This text contains a NUL character, which no name has."]})
    return value[:200]


def _by_state(jobs: QuerySet[Job], state: str) -> QuerySet[Job]:
    if not state:
        return jobs
    if state not in ("completed", "not_completed"):
        raise ValidationError({"state": ["Choose completed or not_completed."]})
    return jobs.filter(completed_at__isnull=state == "not_completed")


def _status(name: str) -> str:
    key = name.strip().upper().replace(" ", "_")
    if key not in _STATES and key not in _NEVER_ENTERED:
        raise ValidationError({"job_status": [f"Choose one of: {', '.join([*_STATES, *_NEVER_ENTERED])}."]})
    return _STATES.get(key, key)


def _ordered(jobs: QuerySet[Job], ordering: str) -> QuerySet[Job]:
    column = _ORDERS.get(ordering.removeprefix("-"))
    if column is None:
        return jobs
    down = "-" if ordering.startswith("-") else ""
    return jobs.order_by(f"{down}{column}", f"{down}id")

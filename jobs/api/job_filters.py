"""Which jobs a list is about: Rescale's filters."""

from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from jobs.models import Job
from jobs.states import JobState

# Rescale knows states we never enter; asking for them finds nothing, and is no mistake.
_STATES = {state.name: state.value for state in JobState}
_NEVER = ("WAITING_FOR_CLUSTER", "WAITING_FOR_QUEUE", "FORCE_STOP")
_ORDERS = {"dateInserted": "created_at", "date_inserted": "created_at", "name": "name", "id": "id"}

PARAMETERS = [
    OpenApiParameter(
        "t", str, description="`1`: only jobs that were submitted and have not ended.", enum=["1"]
    ),
    OpenApiParameter(
        "state", str, description="By whether they have ended.", enum=["completed", "not_completed"]
    ),
    OpenApiParameter(
        "job_status", str, description="By their newest status.", enum=[*_STATES, *_NEVER], many=True
    ),
    OpenApiParameter("search", str, description="Part of the name."),
    OpenApiParameter("ordering", str, description="`dateInserted` or `name`; with `-` before it, downwards."),
]


def filtered(jobs: QuerySet[Job], query: QueryDict) -> QuerySet[Job]:
    """The jobs the query string asks for. Raises ValidationError with the parameter at fault."""
    if query.get("t") == "1":
        jobs = jobs.filter(submitted_at__isnull=False, completed_at__isnull=True)
    jobs = _by_state(jobs, query.get("state", ""))
    if asked := [part for value in query.getlist("job_status") for part in value.split(",") if part]:
        # The annotation of `with_summary`.
        jobs = jobs.filter(latest_status__in=[_status(name) for name in asked])  # type: ignore[misc]
    if search := text(query, "search"):
        jobs = jobs.filter(name__icontains=search)
    return _ordered(jobs, query.get("ordering", ""))


def text(query: QueryDict, name: str) -> str:
    """A text to search for. Raises ValidationError for NUL, which no database can look for."""
    value = query.get(name, "")
    if "\0" in value:
        raise ValidationError({name: ["This text holds a NUL character, which no name has."]})
    return value[:200]


def _by_state(jobs: QuerySet[Job], state: str) -> QuerySet[Job]:
    if not state:
        return jobs
    if state not in ("completed", "not_completed"):
        raise ValidationError({"state": ["Choose completed or not_completed."]})
    return jobs.filter(completed_at__isnull=state == "not_completed")


def _status(name: str) -> str:
    key = name.strip().upper().replace(" ", "_")
    if key not in _STATES and key not in _NEVER:
        raise ValidationError({"job_status": [f"Choose of: {', '.join([*_STATES, *_NEVER])}."]})
    return _STATES.get(key, key)


def _ordered(jobs: QuerySet[Job], ordering: str) -> QuerySet[Job]:
    column = _ORDERS.get(ordering.removeprefix("-"))
    if column is None:
        return jobs
    down = "-" if ordering.startswith("-") else ""
    return jobs.order_by(f"{down}{column}", f"{down}id")

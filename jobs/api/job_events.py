"""/jobs/{id}/events/ and logs/: the Job Log, in pages after a sequence number, and as one list as in Rescale."""

from typing import Any

from django.db.models import Case, IntegerField, Value, When
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.conditional import Conditional
from jobs.api.requests import job_of
from jobs.api.schema import JOB_ID
from jobs.events import job_log
from jobs.models import Job, JobEvent
from jobs.models.choices import titled_choices
from jobs.states import LogLevel, LogSource

MAX_LOG_LINES = 10_000


class JobEventSerializer(CamelSerializer):
    """One line of the Job Log. `sequence` counts 1, 2, 3... per job, without gaps."""

    sequence = serializers.IntegerField()
    time = serializers.DateTimeField()
    source = serializers.ChoiceField(titled_choices(LogSource))  # type: ignore[assignment]
    level = serializers.ChoiceField(titled_choices(LogLevel))
    stage = serializers.CharField(allow_blank=True)
    node = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class JobEventPageSerializer(CamelSerializer):
    """A page of the Job Log. `next` is null if there is nothing newer yet."""

    count = serializers.IntegerField(help_text="How many events the job has so far.")
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = JobEventSerializer(many=True)


AFTER = OpenApiParameter(
    "after", int, description="The last sequence you have; events after it are returned."
)
LIMIT = OpenApiParameter("limit", int, description=f"How many at most; up to {job_log.MAX_PAGE}.")


@extend_schema(parameters=[JOB_ID])
class JobEvents(Conditional):
    """The Job Log after a sequence number."""

    @extend_schema(parameters=[AFTER, LIMIT], responses=JobEventPageSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return events after a sequence, oldest first and without gaps: the same objects as on the websocket."""
        job = job_of(request, id)
        after = whole_number(request.query_params, "after", default=0, least=0)
        limit = whole_number(request.query_params, "limit", default=job_log.MAX_PAGE, least=1)
        page = job_log.read_page(job, after, limit)
        following = None
        if page and page[-1].sequence < job.last_sequence:
            following = replace_query_param(request.build_absolute_uri(), "after", page[-1].sequence)
        return Response(
            {
                "count": job.last_sequence,
                "next": following,
                "previous": None,
                "results": [job_log.as_json(event) for event in page],
            }
        )


@extend_schema(parameters=[JOB_ID])
class JobLogs(APIView):
    """The Job Log as a list without pages."""

    @extend_schema(
        parameters=[OpenApiParameter("limit", int, description=f"How many at most; up to {MAX_LOG_LINES}.")],
        responses=JobEventSerializer(many=True),
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return all lines, oldest first. If there are more than `limit`, output of the program is left out first."""
        job = job_of(request, id)
        limit = whole_number(request.query_params, "limit", default=MAX_LOG_LINES, least=0)
        events = _newest_events(job, min(limit, MAX_LOG_LINES))
        return Response([job_log.as_json(event) for event in events])


def _newest_events(job: Job, limit: int) -> list[JobEvent]:
    """Return the newest lines. A program that prints much must not push the connection line out."""
    is_output = Case(
        When(source=LogSource.PROGRAM, then=Value(1)), default=Value(0), output_field=IntegerField()
    )
    rows = job.events.order_by(is_output, "-sequence")[:limit]
    return sorted(rows, key=lambda event: event.sequence)


def whole_number(query: QueryDict, name: str, *, default: int, least: int) -> int:
    """Return a whole number from the query string. Raises ValidationError that names the parameter."""
    text: Any = query.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdecimal()) or int(text[:30]) < least:
        raise serializers.ValidationError({name: [f"{name} must be a whole number, {least} or more."]})
    # Capped, because databases store 63 bits at most; no sequence gets this large.
    return min(int(text[:30]), 2**31 - 1)

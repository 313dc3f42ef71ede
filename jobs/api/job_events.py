"""/jobs/{id}/events/ and logs/: the Job Log, by cursor and as Rescale's clients read it."""

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
from jobs.api.requests import job_of
from jobs.api.schema import JOB_ID
from jobs.events import job_log
from jobs.models import Job, JobEvent

MAX_LOG_LINES = 10_000


class JobEventSerializer(CamelSerializer):
    """One line of the Job Log. `sequence` counts 1, 2, 3... per job without holes."""

    sequence = serializers.IntegerField()
    time = serializers.DateTimeField()
    source = serializers.ChoiceField(JobEvent.Source.choices)  # type: ignore[assignment]
    level = serializers.ChoiceField(JobEvent.Level.choices)
    stage = serializers.CharField(allow_blank=True)
    node = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class JobEventPageSerializer(CamelSerializer):
    """A stretch of the Job Log. `next` is null when nothing more has happened yet."""

    count = serializers.IntegerField(help_text="Events of the job so far.")
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = JobEventSerializer(many=True)


AFTER = OpenApiParameter("after", int, description="The sequence you have; what follows it is answered.")
LIMIT = OpenApiParameter("limit", int, description=f"How many at most (up to {job_log.MAX_PAGE}).")


@extend_schema(parameters=[JOB_ID])
class JobEvents(APIView):
    """The Job Log from a cursor on."""

    @extend_schema(parameters=[AFTER, LIMIT], responses=JobEventPageSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Events after a sequence, oldest first: the same objects as on the websocket, without holes."""
        job = job_of(request, id)
        after = number(request.query_params, "after", default=0, least=0)
        limit = number(request.query_params, "limit", default=job_log.MAX_PAGE, least=1)
        page = job_log.page(job, after, limit)
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
    """The Job Log as a bare list."""

    @extend_schema(
        parameters=[OpenApiParameter("limit", int, description=f"How many at most (up to {MAX_LOG_LINES}).")],
        responses=JobEventSerializer(many=True),
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """All lines, oldest first. When there are more than `limit`, the program's own output gives way first."""
        job = job_of(request, id)
        limit = number(request.query_params, "limit", default=MAX_LOG_LINES, least=0)
        return Response([job_log.as_json(event) for event in _log(job, min(limit, MAX_LOG_LINES))])


def _log(job: Job, limit: int) -> list[JobEvent]:
    """The newest lines, but never the connection line lost among what a program prints."""
    is_output = Case(
        When(source=JobEvent.Source.PROGRAM, then=Value(1)), default=Value(0), output_field=IntegerField()
    )
    rows = job.events.order_by(is_output, "-sequence")[:limit]
    return sorted(rows, key=lambda event: event.sequence)


def number(query: QueryDict, name: str, *, default: int, least: int) -> int:
    """A whole number of the query string. Raises ValidationError with the parameter at fault."""
    text: Any = query.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdecimal()) or int(text[:30]) < least:
        raise serializers.ValidationError({name: [f"{name} must be a whole number, {least} or more."]})
    # Larger than any sequence is as large as can be: databases end at 63 bits.
    return min(int(text[:30]), 2**31 - 1)

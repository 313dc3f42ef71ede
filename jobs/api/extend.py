"""/jobs/{id}/extend/: move a cluster's deadline."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.fields import WholeNumberField
from accounts.rest.requests import actor
from jobs.api.jobs import JobView
from jobs.api.schema import JOB_ID
from jobs.lifetime import extending
from jobs.lifetime.deadline import LONGEST_EXTENSION, DeadlineReason

MAX_SECONDS = int(LONGEST_EXTENSION.total_seconds())


class ExtendBody(CamelSerializer):
    """How far to move the deadline: exactly one of the two."""

    seconds = WholeNumberField(
        required=False, min_value=1, max_value=MAX_SECONDS, help_text="Added to the present deadline."
    )
    until = serializers.DateTimeField(
        required=False, help_text="The new deadline. Sending it again adds nothing."
    )


class DeadlineSerializer(CamelSerializer):
    """When the cluster ends at the latest, and which limit this is."""

    deadline = serializers.DateTimeField(source="deadline_at")
    reason = serializers.ChoiceField([reason.value for reason in DeadlineReason], source="deadline_reason")


@extend_schema(parameters=[JOB_ID])
class Extend(JobView):
    """Extend a cluster."""

    @extend_schema(request=ExtendBody, responses=DeadlineSerializer)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Move the deadline, as far as the administrator allows. A running command may run longer, too.

        The warnings 60, 15 and 5 minutes before are given again for the new deadline.
        """
        job = self.find(request, id)
        body = ExtendBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        by = timedelta(seconds=asked["seconds"]) if "seconds" in asked else None
        cluster = extending.extend_job(actor(request), job, by=by, until=asked.get("until"))
        return Response(DeadlineSerializer(cluster).data)

"""/jobs/{id}/clone/: make a new job of an earlier one."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.requests import actor, person
from jobs.api import job_body
from jobs.api.job_serializers import JobSerializer
from jobs.api.jobs import JobView, job_response
from jobs.api.schema import JOB_ID
from jobs.submission import cloning
from jobs.submission.job_actions import DraftRefused


@extend_schema(parameters=[JOB_ID])
class Clone(JobView):
    """Copy a job."""

    @extend_schema(request=None, responses={201: JobSerializer})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Save a new job with the same analyses, hardware, settings and input files. It is not submitted."""
        try:
            copy = cloning.clone_job(actor(request), person(request), self.find(request, id))
        except DraftRefused as refused:
            raise job_body.validation_error_of(refused) from None
        return job_response(request, copy, status.HTTP_201_CREATED)

"""/jobs/{id}/tags/: the tags of a job, as Rescale has them; and custom-fields/, which is not offered."""

from dataclasses import replace
from typing import NoReturn

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.refusals import Refused
from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import actor
from jobs.api.requests import job_of
from jobs.api.schema import JOB_ID
from jobs.models import Cluster, Job
from jobs.submission import edits
from jobs.submission.job_actions import DraftRefused


class TagSerializer(CamelSerializer):
    """A tag of a job."""

    name = serializers.CharField()
    normalized_name = serializers.CharField(help_text="In small letters, with single spaces.")


class TagBody(CamelSerializer):
    """A tag to add."""

    name = serializers.CharField(max_length=1000)


@extend_schema(parameters=[JOB_ID])
class JobTags(APIView):
    """The tags of a job."""

    @extend_schema(responses=TagSerializer(many=True))
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return the tags as a list without pages, in the order in which they were added."""
        return Response([_shown(tag) for tag in job_of(request, id).user_tags])

    @extend_schema(request=TagBody, responses={201: TagSerializer})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Add a tag, also to a submitted job. One that differs only in case or spaces is there already: it stays."""
        job = job_of(request, id)
        body = TagBody(data=request.data)
        body.is_valid(raise_exception=True)
        name = " ".join(body.validated_data["name"].split())
        try:
            with transaction.atomic():
                # In the order in which everybody locks them: the cluster, then the job.
                list(Cluster.objects.select_for_update().filter(job=job.pk).values_list("pk"))
                draft = edits.draft_of(Job.objects.select_for_update().get(pk=job.pk))
                known = {_normalized(tag): tag for tag in draft.user_tags}
                if _normalized(name) not in known:
                    edits.edit_job(actor(request), job, replace(draft, user_tags=(*draft.user_tags, name)))
        except DraftRefused as refused:
            first = refused.problems[0]
            raise Refused(first.reason, first.message, field="name") from None
        shown = _shown(known.get(_normalized(name), name))
        return Response(shown, status=status.HTTP_201_CREATED)


@extend_schema(parameters=[JOB_ID])
class JobCustomFields(APIView):
    """Custom fields of a job: not offered here."""

    @extend_schema(responses={404: None})
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Refuse: 404 with the reason `not_offered`."""
        self._refuse(request, id)

    @extend_schema(request=None, responses={404: None})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Refuse: 404 with the reason `not_offered`."""
        self._refuse(request, id)

    def _refuse(self, request: Request, job_id: str) -> NoReturn:
        job_of(request, job_id)  # a job that one may not see is not there at all
        raise NotFound("Custom fields are not offered here: use tags or the description.", "not_offered")


def _normalized(tag: str) -> str:
    return " ".join(tag.split()).casefold()


def _shown(tag: str) -> dict[str, str]:
    return {"name": tag, "normalizedName": _normalized(tag)}

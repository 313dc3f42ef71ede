"""/jobs/, /jobs/{id}/, submit/ and stop/: create, read, change, submit, terminate and delete jobs."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError
from rest_framework.views import APIView

from accounts.models import User
from accounts.refusals import Refused
from accounts.rest.conditional import Conditional
from accounts.rest.requests import actor, is_v3, person
from jobs.api import job_body, job_filters
from jobs.api.job_body import JobBody, JobPatch, JobPut
from jobs.api.job_serializers import JobSerializer, shown_cidr_rules, shown_public_keys
from jobs.api.job_summaries import SAVED, JobSummarySerializer, with_summary
from jobs.api.requests import cluster_of, job_of, jobs_of
from jobs.api.schema import JOB_ID
from jobs.costs.job_cost import costs_of
from jobs.models import Job
from jobs.storage import job_inputs, stored_files
from jobs.storage.job_inputs import InputDraft
from jobs.submission import edits, job_actions
from jobs.submission.job_actions import DraftRefused


def job_response(request: Request, job: Job, code: int = status.HTTP_200_OK) -> Response:
    """Return the whole job as JSON."""
    context = {"v3": is_v3(request), "user_id": person(request).pk}
    return Response(JobSerializer(job, context=context).data, status=code)


@extend_schema_view(get=extend_schema(parameters=job_filters.PARAMETERS))
class Jobs(Conditional, ListAPIView[Job]):
    """Your jobs, newest first."""

    serializer_class = JobSummarySerializer
    queryset = Job.objects.none()

    def get_queryset(self) -> QuerySet[Job]:
        return job_filters.filtered(
            with_summary(jobs_of(self.request)).prefetch_related("following"), self.request.query_params
        )

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Return the serializer of a page of jobs, with what these cost: read at once for all of them."""
        serializer = super().get_serializer(*args, **kwargs)
        serializer.context["costs"] = costs_of(args[0]) if args else {}  # type: ignore[index]
        return serializer

    @extend_schema(request=JobBody, responses={201: JobSerializer})
    def post(self, request: Request) -> Response:
        """Save a job. It starts with submit/."""
        body = JobBody(data=request.data)
        body.is_valid(raise_exception=True)
        inputs = input_files_of(request, body.validated_data, [])
        check_public_keys(person(request), body.validated_data)
        try:
            with transaction.atomic():
                job = job_actions.create_job(
                    actor(request), person(request), job_body.to_draft(body.validated_data)
                )
                job_inputs.attach_inputs(job, inputs or [])
        except DraftRefused as refused:
            raise job_body.validation_error_of(refused) from None
        return job_response(request, job, status.HTTP_201_CREATED)


class JobView(APIView):
    """A view of one job. A refusal with 409 adds the status of the job and its cluster."""

    job: Job | None = None

    def find(self, request: Request, job_id: str) -> Job:
        """Return the job that the path names. Raises NotFound."""
        self.job = job_of(request, job_id)
        return self.job

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, Refused) and exc.status == status.HTTP_409_CONFLICT and self.job is not None:
            newest = self.job.statuses.first()
            cluster = cluster_of(self.job)
            response.data["state"] = newest.status if newest else SAVED
            response.data["clusterState"] = cluster.status if cluster else None
        return response


@extend_schema(parameters=[JOB_ID])
class OneJob(Conditional, JobView):
    """One of your jobs."""

    @extend_schema(responses=JobSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return the job as it was created, and how it ended."""
        return job_response(request, self.find(request, id))

    @extend_schema(request=JobPatch, responses=JobSerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change a saved job. Of a submitted job only its name, description, tags, project and priority can change.

        Anything that would have changed the run is 409; keys that are not known are ignored, as in Rescale. A list of
        `jobanalyses` or `inputFiles`, even an empty one of files, replaces the present list.
        """
        return self._edit(request, id, JobPatch, partial=True)

    @extend_schema(request=JobPut, responses=JobSerializer)
    def put(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change a saved job, like PATCH, with the whole job in the body."""
        return self._edit(request, id, JobPut, partial=False)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Delete the job and its output files. Refused while its cluster is not Stopped."""
        job_actions.delete_job(actor(request), self.find(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _edit(self, request: Request, job_id: str, form: type[JobBody], *, partial: bool) -> Response:
        job = self.find(request, job_id)
        body = form(data=request.data, partial=partial, context={"partial": True})
        body.is_valid(raise_exception=True)
        inputs = input_files_of(request, body.validated_data, job_inputs.inputs_of(job))
        check_public_keys(job.owner, body.validated_data, shown_public_keys(job))
        if list(body.validated_data.get("cidr_rule", ("",)) or ()) == shown_cidr_rules(job):
            del body.validated_data["cidr_rule"]  # sent back as it was answered
        try:
            asked = job_body.to_draft(body.validated_data, edits.draft_of(job))
            edits.edit_job(actor(request), job, asked, inputs)
        except DraftRefused as refused:
            raise job_body.validation_error_of(refused) from None
        return job_response(request, job_of(request, job_id))


@extend_schema(parameters=[JOB_ID])
class Submit(JobView):
    """Submit a saved job."""

    @extend_schema(request=None, responses={200: None})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Order the cluster and run the command on it. Your present keys and rules are recorded with the job."""
        job_actions.submit_job(actor(request), self.find(request, id))
        return Response(status=status.HTTP_200_OK)


@extend_schema(parameters=[JOB_ID])
class Stop(JobView):
    """Terminate a job."""

    @extend_schema(request=None, responses={202: None})
    def post(self, request: Request, id: str) -> Response:  # noqa: A002
        """Terminate the whole cluster; a running command ends. Doing it again changes nothing.

        The answer is empty, as in Rescale. The job's `stillRunning` and the Job Log show what still runs and costs.
        """
        job_actions.stop_job(actor(request), self.find(request, id))
        return Response(status=status.HTTP_202_ACCEPTED)


def input_files_of(
    request: Request, body: dict[str, Any], before: list[InputDraft]
) -> list[InputDraft] | None:
    """Return the files of the job; None if the body has no list of analyses.

    Raises ValidationError unless all of them belong to the user.
    """
    inputs = job_body.input_files(body, before)
    known = stored_files.known_ids(person(request), [wanted.file_id for wanted in inputs or []])
    wrong = [_unknown(analysis, known) for analysis in body.get("jobanalyses") or []]
    if any(wrong):
        raise ValidationError({"jobanalyses": wrong})
    return inputs


def _unknown(analysis: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """Return the errors of an analysis, one entry per file as Rescale's clients expect them; empty if all are known."""
    error = {"id": ["You have no file with this id. Upload it at files/contents/ first."]}
    found: dict[str, Any] = {}
    ids = [file["id"] for file in analysis.get("input_files") or []]
    if not known.issuperset(ids):
        found["inputFiles"] = [{} if file_id in known else error for file_id in ids]
    for when in ("pre", "post"):
        script = analysis.get(f"{when}_process_script")
        if script and script["id"] not in known:
            found[f"{when}ProcessScript"] = error
    return found


def check_public_keys(owner: User, body: dict[str, Any], shown: Sequence[str] = ()) -> None:
    """Raise ValidationError for a key that the owner has not saved: every saved key is let in, no other is."""
    saved = {
        " ".join(line.split()[:2]) for line in [*shown, *(key.public_key for key in owner.ssh_keys.all())]
    }
    lines = [line for line in (body.get("public_key") or "").splitlines() if line.strip()]
    if any(" ".join(line.split()[:2]) not in saved for line in lines):
        sentence = "This key is not in your Job Settings. Save it there: all keys that you saved are let in."
        raise ValidationError({"publicKey": [sentence]})

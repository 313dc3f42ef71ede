"""/jobs/estimate/: what a job would cost, what would refuse it, and whether there is room, before it is submitted."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.refusals import Refused
from accounts.rest.camel_case import CamelSerializer
from accounts.rest.requests import person
from jobs.api import job_body
from jobs.api.cost_fields import MoneyField
from jobs.api.job_body import JobBody
from jobs.api.jobs import check_public_keys, input_files_of
from jobs.costs.estimate import PricedSpan
from jobs.submission.draft import AnalysisRefused
from jobs.submission.job_estimate import estimate_job

# Of a job that has no name yet.
_UNNAMED = "estimate"


class EstimateBody(JobBody):
    """A job as for `POST jobs/`. It needs no name yet."""

    name = serializers.CharField(allow_blank=True, required=False, default=_UNNAMED)


class PricedSpanSerializer(CamelSerializer):
    """A span of time, and what the job costs in it."""

    seconds = serializers.SerializerMethodField()
    cost = MoneyField()

    def get_seconds(self, span: PricedSpan) -> float:
        return span.duration.total_seconds()


class TypicalSerializer(PricedSpanSerializer):
    """The median of your last runs like it, at the price of now."""

    runs = serializers.IntegerField(help_text="How many runs, at most the last 50.")


class LimitSerializer(CamelSerializer):
    """Why the job would be refused, with the same `reason` as then."""

    reason = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField(allow_null=True, help_text="What is at fault, as the job's body names it.")
    analysis = serializers.SerializerMethodField(
        help_text="Of which analysis, counted from 0; null if it is no analysis's own."
    )

    def get_analysis(self, problem: Refused) -> int | None:
        return problem.position if isinstance(problem, AnalysisRefused) else None


class RoomSerializer(CamelSerializer):
    """The cores of the job, and how many of its core type are free now."""

    cores = serializers.IntegerField()
    free = serializers.IntegerField()
    is_enough = serializers.BooleanField()


class BudgetEffectSerializer(CamelSerializer):
    """What the job would do to a budget that it would use."""

    name = serializers.CharField()
    enforced = serializers.BooleanField(source="is_enforced")
    would_wait = serializers.BooleanField(help_text="Whether the job would wait for it if submitted now.")
    left = MoneyField(
        allow_null=True, help_text="What would be left after the walltime; null for the site's budget."
    )


class EstimateSerializer(CamelSerializer):
    """The estimate of a job. What the cluster would be is not known while a limit names its hardware: then null."""

    currency = serializers.CharField()
    simulated = serializers.BooleanField(
        source="is_simulated", help_text="Whether the rate card's prices are made up."
    )
    rate_per_hour = MoneyField(allow_null=True)
    walltime = PricedSpanSerializer(allow_null=True, help_text="The most that the command may take.")
    typical = TypicalSerializer(allow_null=True, help_text="null without earlier runs like it.")
    limits = LimitSerializer(many=True, help_text="Everything that would refuse it; empty if nothing would.")
    capacity = RoomSerializer(
        source="room", allow_null=True, help_text="null if the provider does not say what is free."
    )
    budgets = BudgetEffectSerializer(many=True)


class EstimateOfJob(APIView):
    """The estimate of a job that is not submitted yet."""

    @extend_schema(request=EstimateBody, responses=EstimateSerializer)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return what the job in the body would cost and what would refuse it. Nothing is saved."""
        body = EstimateBody(data=request.data)
        body.is_valid(raise_exception=True)
        owner = person(request)
        input_files_of(request, body.validated_data, [])
        check_public_keys(owner, body.validated_data)
        return Response(EstimateSerializer(estimate_job(owner, job_body.to_draft(body.validated_data))).data)

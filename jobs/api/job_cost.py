"""/jobs/{id}/cost/: what a job has cost so far, costs per hour, and will have cost at its deadline."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from jobs.api.cost_fields import CostSerializer, MoneyField
from jobs.api.requests import job_of
from jobs.api.schema import JOB_ID
from jobs.costs.job_cost import cost_of
from jobs.costs.price_history import is_simulated


class EarlierCostSerializer(CamelSerializer):
    """What was charged in another currency."""

    currency = serializers.CharField()
    amount = MoneyField()


class JobCostSerializer(CostSerializer):
    """The cost of one job now, with what is to be known of it."""

    deadline = serializers.DateTimeField(allow_null=True)
    earlier = EarlierCostSerializer(
        many=True, help_text="What was charged before the rate card's currency changed; not in `accrued`."
    )
    simulated = serializers.BooleanField(help_text="Whether the rate card's prices are made up.")


@extend_schema(parameters=[JOB_ID])
class JobCost(APIView):
    """The cost of a job."""

    @extend_schema(responses=JobCostSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return what the job has cost until now. Asking again later gives more while something runs."""
        cost = cost_of(job_of(request, id))
        return Response(
            JobCostSerializer(
                {
                    "currency": cost.currency,
                    "accrued": cost.accrued,
                    "rate_per_hour": cost.rate_per_hour,
                    "projected": cost.projected,
                    "projected_for": cost.projected_for,
                    "deadline": cost.deadline,
                    "earlier": [
                        {"currency": currency, "amount": amount} for currency, amount in cost.earlier.items()
                    ],
                    "simulated": is_simulated(),
                }
            ).data
        )

"""/budgets/: how much may be spent. Administrators write them; people read their own and those of their projects."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.permissions import AdministratorsWrite
from accounts.rest.requests import actor, person, pick
from accounts.rest.schema import ROW_NUMBER
from jobs.api.cost_fields import MoneyField
from jobs.costs.budget_actions import NewBudget, add_budget, change_budget, remove_budget
from jobs.costs.budget_rows import subject_of, visible_budgets
from jobs.costs.budget_spending import spent_of
from jobs.costs.budgets import STEPS, BudgetPeriod, BudgetScope, step_of
from jobs.models import Budget


class BudgetSerializer(CamelSerializer):
    """A budget, and what is spent of it now."""

    id = serializers.IntegerField()
    scope = serializers.ChoiceField([scope.value for scope in BudgetScope])
    subject = serializers.SerializerMethodField(help_text="User name or project id; empty for the site.")
    amount = MoneyField()
    currency = serializers.CharField()
    period = serializers.ChoiceField([period.value for period in BudgetPeriod])
    enforced = serializers.BooleanField()
    spent = serializers.CharField(help_text="Since it was set or, of a monthly one, in this month (UTC).")
    step = serializers.ChoiceField([0, *STEPS], help_text="The last step that is reached, in percent.")
    used_up_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When an enforced one will be used up if all clusters run on; null if never.",
    )

    def get_subject(self, budget: Budget) -> str:
        return subject_of(budget)

    def to_representation(self, instance: Budget) -> dict[str, Any]:
        """Add what is spent now."""
        spent = spent_of(instance, timezone.now())
        instance.spent = MoneyField().to_representation(spent)  # type: ignore[attr-defined]  # shown once
        instance.step = step_of(spent, instance.amount)  # type: ignore[attr-defined]  # shown once
        return super().to_representation(instance)


class AmountField(serializers.DecimalField):
    """An amount as a number or as text; how large it may be is the budget's rule."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=40, decimal_places=20, **options)


class BudgetBody(CamelSerializer):
    """A new budget."""

    scope = serializers.CharField()
    subject = serializers.CharField(required=False, default="", allow_blank=True)
    amount = AmountField()
    currency = serializers.CharField(required=False, default="", allow_blank=True)
    period = serializers.CharField()
    enforced = serializers.BooleanField(required=False, default=False)


class BudgetPatch(CamelSerializer):
    """What to change. Whose it is and its currency stay: add another one for that."""

    amount = AmountField(required=False)
    period = serializers.CharField(required=False)
    enforced = serializers.BooleanField(required=False)


class Budgets(ListAPIView[Budget]):
    """The budgets you may see."""

    permission_classes = [IsAuthenticated, AdministratorsWrite]
    serializer_class = BudgetSerializer
    queryset = Budget.objects.none()

    def get_queryset(self) -> QuerySet[Budget]:
        return visible_budgets(person(self.request))

    @extend_schema(request=BudgetBody, responses={201: BudgetSerializer})
    def post(self, request: Request) -> Response:
        """Add a budget (administrators). One that is given once counts from now on."""
        body = BudgetBody(data=request.data)
        body.is_valid(raise_exception=True)
        budget = add_budget(actor(request), NewBudget(**body.validated_data))
        return Response(BudgetSerializer(budget).data, status=status.HTTP_201_CREATED)


@extend_schema(parameters=[ROW_NUMBER])
class OneBudget(APIView):
    """One budget."""

    permission_classes = [IsAuthenticated, AdministratorsWrite]

    def _find(self, request: Request, id: str) -> Budget:  # noqa: A002
        return pick(visible_budgets(person(request)), id, number=True)

    @extend_schema(responses=BudgetSerializer)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002
        """Return the budget; 404 unless it is yours or your project's."""
        return Response(BudgetSerializer(self._find(request, id)).data)

    @extend_schema(request=BudgetPatch, responses=BudgetSerializer)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change what is given (administrators). Jobs that wait for it go on as soon as there is room."""
        budget = self._find(request, id)
        body = BudgetPatch(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(BudgetSerializer(change_budget(actor(request), budget, **body.validated_data)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Remove the budget (administrators). What waits for it goes on."""
        remove_budget(actor(request), self._find(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)

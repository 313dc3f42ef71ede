"""/simulator/: faults and capacity of the simulated cloud, for administrators."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.permissions import IsAdministrator
from accounts.rest.requests import actor
from jobs.providers import fault_actions
from jobs.providers.fault_injection import FaultKind, FaultOverview, FaultRule
from jobs.providers.fault_labels import label_of

SECONDS = (
    "longer: how much longer the boot takes. after: how much later it happens. back: how long each answer is delayed. "
    "lasts: after how long it ends by itself, 0 for never."
)


class FaultKindSerializer(CamelSerializer):
    """A kind of fault that can be switched on."""

    name = serializers.CharField()
    title = serializers.SerializerMethodField()
    about = serializers.ChoiceField(
        ["node", "cluster"], source="scope", help_text="What it can be limited to."
    )
    seconds_mean = serializers.ChoiceField(
        ["longer", "after", "back", "lasts"], source="seconds", help_text=SECONDS
    )
    usual_seconds = serializers.FloatField(source="usual")
    missing = serializers.CharField(help_text="Why this machine cannot do it; empty if it can.")

    def get_title(self, kind: FaultKind) -> str:
        return str(label_of(kind.name).title)


class FaultRuleSerializer(CamelSerializer):
    """A fault that is on. An empty cluster or node means every one."""

    name = serializers.CharField()
    cluster = serializers.CharField()
    node = serializers.CharField()
    seconds = serializers.FloatField()
    ends_in = serializers.FloatField(allow_null=True, help_text="Seconds until it ends by itself.")


class FaultOverviewSerializer(CamelSerializer):
    """The faults that are on, and the kinds that can be switched on."""

    faults = FaultRuleSerializer(many=True, source="rules")
    kinds = FaultKindSerializer(many=True)


class SwitchSerializer(CamelSerializer):
    """A fault to switch on or off. The same name, cluster and node again changes a fault that is on."""

    name = serializers.CharField(max_length=40)
    on = serializers.BooleanField(default=True)
    cluster = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=40, help_text="A cluster's id, or `next`."
    )
    node = serializers.CharField(required=False, default="", allow_blank=True, max_length=40)
    seconds = serializers.FloatField(required=False, allow_null=True, default=None)


class CoreCountSerializer(CamelSerializer):
    """The cores of one core type."""

    core_type = serializers.CharField()
    cores = serializers.IntegerField()
    taken = serializers.IntegerField()
    free = serializers.IntegerField()
    is_set = serializers.BooleanField(help_text="Whether an administrator set the number.")


class NewCoresSerializer(CamelSerializer):
    """How many cores a core type has; null restores the default."""

    core_type = serializers.CharField(max_length=40)
    cores = serializers.IntegerField(allow_null=True, min_value=0, max_value=fault_actions.MAX_CORES)


class ForAdministrators(APIView):
    """A view for administrators; 403 for everybody else."""

    permission_classes = [IsAuthenticated, IsAdministrator]


def _overview(overview: FaultOverview) -> Response:
    return Response(FaultOverviewSerializer(overview).data)


class Faults(ForAdministrators):
    """Faults of the simulated cloud. 409 `provider_without_faults` if the clusters are real."""

    @extend_schema(responses=FaultOverviewSerializer)
    def get(self, request: Request) -> Response:
        """Return the faults that are on, and the kinds that can be switched on."""
        return _overview(fault_actions.fault_overview())

    @extend_schema(request=SwitchSerializer, responses=FaultOverviewSerializer)
    def put(self, request: Request) -> Response:
        """Switch a fault on or off. Returns the same as GET, after the change."""
        asked = SwitchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(asked.validated_data)
        switch = fault_actions.switch_on if values.pop("on") else fault_actions.switch_off
        return _overview(switch(actor(request), FaultRule(**values)))


class Capacity(ForAdministrators):
    """The cores of the simulated cloud, by core type."""

    @extend_schema(responses=CoreCountSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Return all, taken and free cores of each core type, as a list without pages."""
        return Response(CoreCountSerializer(fault_actions.core_counts(), many=True).data)

    @extend_schema(request=NewCoresSerializer, responses=CoreCountSerializer(many=True))
    def put(self, request: Request) -> Response:
        """Set the cores of one core type. Returns the same as GET. Running clusters keep their cores."""
        asked = NewCoresSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        fault_actions.set_cores(
            actor(request), asked.validated_data["core_type"], asked.validated_data["cores"]
        )
        return self.get(request)

"""/simulator/: the simulated cloud, for administrators: faults on purpose, and how many cores there are."""

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
from jobs.providers.fault_injection import FaultBoard, FaultKind, FaultRule
from jobs.providers.fault_labels import label_of

SECONDS = (
    "longer: the boot takes so much longer. after: it happens so much later. back: each answer is held back so \
long. lasts: it ends by itself after so long, 0 for never."
)


class FaultKindSerializer(CamelSerializer):
    """A fault there is."""

    name = serializers.CharField()
    title = serializers.SerializerMethodField()
    about = serializers.ChoiceField(["node", "cluster"], source="of", help_text="What it can be narrowed to.")
    seconds_mean = serializers.ChoiceField(
        ["longer", "after", "back", "lasts"], source="seconds", help_text=SECONDS
    )
    usual_seconds = serializers.FloatField(source="usual")
    missing = serializers.CharField(help_text="Why it cannot be had on this machine; empty when it can.")

    def get_title(self, kind: FaultKind) -> str:
        return str(label_of(kind.name).title)


class FaultRuleSerializer(CamelSerializer):
    """A fault that is on. An empty cluster or node means every one."""

    name = serializers.CharField()
    cluster = serializers.CharField()
    node = serializers.CharField()
    seconds = serializers.FloatField()
    ends_in = serializers.FloatField(allow_null=True, help_text="Seconds until it ends by itself.")


class FaultBoardSerializer(CamelSerializer):
    """The faults that are on, and those there are."""

    faults = FaultRuleSerializer(many=True, source="rules")
    kinds = FaultKindSerializer(many=True)


class SwitchSerializer(CamelSerializer):
    """One switch. The same name, cluster and node again changes the fault that is on."""

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
    is_set = serializers.BooleanField(help_text="Whether an administrator said so.")


class NewCoresSerializer(CamelSerializer):
    """How many cores a core type has; null: as many as there were by themselves."""

    core_type = serializers.CharField(max_length=40)
    cores = serializers.IntegerField(allow_null=True, min_value=0, max_value=fault_actions.MOST_CORES)


class ForAdministrators(APIView):
    """403 for everybody else."""

    permission_classes = [IsAuthenticated, IsAdministrator]


def _board(board: FaultBoard) -> Response:
    return Response(FaultBoardSerializer(board).data)


class Faults(ForAdministrators):
    """Faults of the simulated cloud. 409 `provider_without_faults` where the clusters are real."""

    @extend_schema(responses=FaultBoardSerializer)
    def get(self, request: Request) -> Response:
        """What is on, and what there is."""
        return _board(fault_actions.board())

    @extend_schema(request=SwitchSerializer, responses=FaultBoardSerializer)
    def put(self, request: Request) -> Response:
        """Switch one on or off; the answer is what is on then."""
        asked = SwitchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        words: dict[str, Any] = dict(asked.validated_data)
        switch = fault_actions.switch_on if words.pop("on") else fault_actions.switch_off
        return _board(switch(actor(request), FaultRule(**words)))


class Capacity(ForAdministrators):
    """Cores the simulated cloud has, by core type."""

    @extend_schema(responses=CoreCountSerializer(many=True))
    def get(self, request: Request) -> Response:
        """In all, taken and free, as a bare list."""
        return Response(CoreCountSerializer(fault_actions.core_counts(), many=True).data)

    @extend_schema(request=NewCoresSerializer, responses=CoreCountSerializer(many=True))
    def put(self, request: Request) -> Response:
        """Change one core type; the answer is the whole list. What runs goes on when there are fewer."""
        asked = NewCoresSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        fault_actions.set_cores(
            actor(request), asked.validated_data["core_type"], asked.validated_data["cores"]
        )
        return self.get(request)

"""/analyses/: the software a job may name. There is only one: the user's own."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from accounts.rest.camel_case import CamelSerializer
from jobs.api.constant import ConstantField
from jobs.models import CoreType

BRING_YOUR_OWN = "user_included"
NAMES = {BRING_YOUR_OWN: "Bring Your Own Software"}


def analysis_name(code: str) -> str:
    """Return the title of an analysis; its code if it has none."""
    return NAMES.get(code, code)


class VersionSerializer(CamelSerializer):
    """A version of a program."""

    id = serializers.CharField()
    version = serializers.CharField()
    version_code = serializers.CharField()
    allowed_core_types = serializers.ListField(child=serializers.CharField())
    std_command = ConstantField("")
    mpi_command = ConstantField("")
    smp_command = ConstantField("")
    eula = ConstantField(None)


class AnalysisSerializer(CamelSerializer):
    """A program that a job may run."""

    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    vendor_name = ConstantField("")
    has_rescale_license = ConstantField(value=False)
    has_short_term_license = ConstantField(value=False)
    pricing = ConstantField(None)
    thumbnail = ConstantField("")
    industries = ConstantField([])
    support_desks = ConstantField([])
    license_settings = ConstantField([])
    optimizer_type = ConstantField(None)
    resources = ConstantField([])
    versions = serializers.SerializerMethodField()

    @extend_schema_field(VersionSerializer(many=True))
    def get_versions(self, analysis: dict[str, Any]) -> Any:
        return VersionSerializer(analysis["versions"], many=True).data


class Analyses(ListAPIView[Any]):
    """The analyses that a job may name."""

    serializer_class = AnalysisSerializer

    def get_queryset(self) -> list[dict[str, Any]]:  # type: ignore[override]
        codes = list(CoreType.objects.filter(is_active=True).values_list("code", flat=True))
        return [
            {
                "code": BRING_YOUR_OWN,
                "name": NAMES[BRING_YOUR_OWN],
                "description": "Runs any command; bring the program with your input files.",
                "versions": [{"id": "0", "version": "0", "version_code": "0", "allowed_core_types": codes}],
            }
        ]

"""/analyses/ and /analyses/{code}/: the software a job may name. Administrators add, change and retire it."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.fields import WholeNumberField
from accounts.rest.permissions import AdministratorsWrite
from accounts.rest.requests import actor, pick
from jobs.api.constant import ConstantField
from jobs.catalogue import analyses
from jobs.catalogue.drafts import AnalysisDraft, VersionDraft
from jobs.models import Analysis, AnalysisVersion, CoreType

ANALYSIS_CODE = OpenApiParameter("code", str, OpenApiParameter.PATH, description="Such as `user_included`.")
IS_ACTIVE = OpenApiParameter(
    "isActive", bool, description="`false`: only retired ones. Otherwise only those that new jobs may name."
)


class VersionSerializer(CamelSerializer):
    """A version of a program. Jobs name it by its `versionCode`, or by its name."""

    id = serializers.CharField(source="code")
    version = serializers.CharField(source="name")
    version_code = serializers.CharField(source="code")
    allowed_core_types = serializers.SerializerMethodField(help_text="Codes of core types it runs on.")
    environment_script = serializers.CharField(help_text="Runs in the shell of the job's command, before it.")
    std_command = ConstantField("")
    mpi_command = ConstantField("")
    smp_command = ConstantField("")
    eula = ConstantField(None)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_allowed_core_types(self, version: AnalysisVersion) -> list[str]:
        on_offer: list[str] = self.context["core_types"]
        allowed = version.allowed_core_types
        return [code for code in on_offer if code in allowed] if allowed else list(on_offer)


class AnalysisSerializer(CamelSerializer):
    """A program that a job may run."""

    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    vendor_name = serializers.CharField()
    accepts_any_version = serializers.BooleanField(
        help_text="The program is the person's own, and so is the name of its version."
    )
    is_active = serializers.BooleanField(help_text="Whether new jobs may name it.")
    display_order = serializers.IntegerField()
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
    def get_versions(self, analysis: Analysis) -> Any:
        versions = [version for version in analysis.versions.all() if version.is_active]
        return VersionSerializer(versions, many=True, context=self.context).data


class NewVersionBody(CamelSerializer):
    """A version to offer."""

    version_code = serializers.CharField(max_length=80)
    version = serializers.CharField(max_length=80, required=False)
    allowed_core_types = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=200
    )
    environment_script = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> VersionDraft:
        """Return the version. Without a name its code is the name."""
        values = super().to_internal_value(data)
        if "version_code" not in values:  # in a PATCH nothing is required
            raise serializers.ValidationError({"versionCode": ["This field is required."]})
        return VersionDraft(
            code=values["version_code"],
            name=values.get("version") or values["version_code"],
            allowed_core_types=tuple(values.get("allowed_core_types", ())),
            environment_script=values.get("environment_script", ""),
        )


class NewAnalysisBody(CamelSerializer):
    """An analysis to offer. Of its versions the first is the default."""

    code = serializers.CharField(max_length=80)
    name = serializers.CharField(max_length=120)
    versions = NewVersionBody(many=True)
    description = serializers.CharField(required=False, allow_blank=True)
    vendor_name = serializers.CharField(required=False, allow_blank=True)
    accepts_any_version = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)
    display_order = WholeNumberField(required=False)


class AnalysisPatch(NewAnalysisBody):
    """What to change. `versions` replaces all that are on offer; those left out are retired."""

    name = serializers.CharField(max_length=120, required=False)
    versions = NewVersionBody(many=True, required=False)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields of a new analysis without its code, which stays."""
        return {name: field for name, field in super().get_fields().items() if name != "code"}


def context_of_catalogue() -> dict[str, Any]:
    """Return what VersionSerializer needs: the codes of the core types on offer, in order."""
    return {"core_types": list(CoreType.objects.filter(is_active=True).values_list("code", flat=True))}


def catalogue_rows() -> QuerySet[Analysis]:
    """Return every analysis with its versions."""
    return Analysis.objects.prefetch_related(Prefetch("versions", AnalysisVersion.objects.all()))


def _response(analysis: Analysis, code: int = status.HTTP_200_OK) -> Response:
    row = catalogue_rows().get(pk=analysis.pk)
    return Response(AnalysisSerializer(row, context=context_of_catalogue()).data, status=code)


@extend_schema_view(get=extend_schema(parameters=[IS_ACTIVE]))
class Analyses(ListAPIView[Analysis]):
    """The analyses that a job may name."""

    permission_classes = [IsAuthenticated, AdministratorsWrite]
    serializer_class = AnalysisSerializer
    queryset = Analysis.objects.none()

    def get_queryset(self) -> QuerySet[Analysis]:
        retired = self.request.query_params.get("isActive", "").lower() in ("false", "0")
        return catalogue_rows().filter(is_active=not retired)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **context_of_catalogue()}

    @extend_schema(request=NewAnalysisBody, responses={201: AnalysisSerializer})
    def post(self, request: Request) -> Response:
        """Offer another analysis (administrators)."""
        body = NewAnalysisBody(data=request.data)
        body.is_valid(raise_exception=True)
        row = analyses.add_analysis(actor(request), AnalysisDraft(**body.validated_data))
        return _response(row, status.HTTP_201_CREATED)


@extend_schema(parameters=[ANALYSIS_CODE])
class OneAnalysis(APIView):
    """One analysis."""

    permission_classes = [IsAuthenticated, AdministratorsWrite]

    @extend_schema(responses=AnalysisSerializer)
    def get(self, request: Request, code: str) -> Response:
        """Return the analysis, also a retired one."""
        return _response(pick(Analysis.objects.all(), code))

    @extend_schema(request=AnalysisPatch, responses=AnalysisSerializer)
    def patch(self, request: Request, code: str) -> Response:
        """Change the given fields (administrators). `isActive: false` retires it, `true` offers it again."""
        row = pick(Analysis.objects.all(), code)
        body = AnalysisPatch(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return _response(analyses.change_analysis(actor(request), row, body.validated_data))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, code: str) -> Response:
        """Retire the analysis (administrators): new jobs cannot name it. Jobs that did keep it."""
        analyses.retire_analysis(actor(request), pick(Analysis.objects.all(), code))
        return Response(status=status.HTTP_204_NO_CONTENT)

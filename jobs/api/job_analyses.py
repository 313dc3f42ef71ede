"""The analyses of a job, as Rescale's clients expect them: what each runs, and on which nodes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from jobs.api.constant import ConstantField
from jobs.api.job_fields import CoreTypeCodeField
from jobs.catalogue.choice import analysis_names
from jobs.models import AnalysisFields, Job, JobInput


@dataclass(frozen=True)
class JobAnalysis:
    """One analysis of a job, with its files."""

    job: Job
    fields: AnalysisFields
    inputs: list[JobInput]
    exit_code: int | None
    name: str

    def script(self, purpose: str) -> JobInput | None:
        """Return the script that runs before or after the command."""
        return next((row for row in self.inputs if row.purpose == purpose), None)


def analyses_of(job: Job) -> list[JobAnalysis]:
    """Return all analyses of a job."""
    names = analysis_names()
    inputs = list(job.inputs.select_related("file"))
    codes = job.analysis_exit_codes
    return [
        JobAnalysis(
            job=job,
            fields=fields,
            inputs=[row for row in inputs if row.analysis == position],
            exit_code=codes[position] if position < len(codes) else None,
            name=names.get(fields.analysis_code, fields.analysis_code),
        )
        for position, fields in enumerate(job.analyses)
    ]


class CoreSummarySerializer(CamelSerializer):
    """What each node of a job has."""

    memory_per_node = serializers.IntegerField(help_text="MB")
    number_of_nodes = serializers.IntegerField()
    storage_per_node = serializers.IntegerField(help_text="GB")


class HardwareSerializer(CamelSerializer):
    """The nodes of a job."""

    core_type = CoreTypeCodeField(source="core_type_id")
    cores_per_slot = serializers.IntegerField()
    slots = serializers.IntegerField()
    walltime = serializers.SerializerMethodField()
    type = serializers.SerializerMethodField()
    core_summary = serializers.SerializerMethodField()

    @extend_schema_field({"type": "number", "description": "Hours."})
    def get_walltime(self, job: Job) -> float:
        return _hours(job.walltime)

    @extend_schema_field({"type": "string", "enum": ["compute", "interactive"]})
    def get_type(self, job: Job) -> str:
        return "interactive" if job.is_interactive else "compute"

    @extend_schema_field(CoreSummarySerializer)
    def get_core_summary(self, job: Job) -> dict[str, int]:
        return {
            "memoryPerNode": job.core_type.memory_mb_per_core * job.cores_per_slot,
            "numberOfNodes": job.slots,
            "storagePerNode": job.core_type.storage_gb,
        }


class InputFileSerializer(CamelSerializer):
    """An input file of a job."""

    id = serializers.CharField(source="file_id")
    name = serializers.CharField(source="file.name")
    decompress = serializers.BooleanField()


class ScriptSerializer(CamelSerializer):
    """A script that runs before or after the command."""

    id = serializers.CharField(source="file_id")
    name = serializers.CharField(source="file.name")


class JobAnalysisSerializer(CamelSerializer):
    """What a job runs, and on which nodes."""

    analysis = serializers.SerializerMethodField()
    command = serializers.CharField(source="fields.command")
    env_vars = serializers.DictField(source="fields.env_vars", child=serializers.CharField())
    flags = serializers.SerializerMethodField()
    hardware = HardwareSerializer(source="job")
    input_files = serializers.SerializerMethodField()
    use_mpi = serializers.BooleanField(source="fields.use_mpi")
    pre_process_script = serializers.SerializerMethodField()
    pre_process_script_command = serializers.CharField(source="fields.pre_process_command")
    post_process_script = serializers.SerializerMethodField()
    post_process_script_command = serializers.CharField(source="fields.post_process_command")
    exit_code = serializers.IntegerField(
        allow_null=True, help_text="Of this analysis; null until the job ended."
    )
    use_rescale_license = serializers.SerializerMethodField()
    on_demand_license_seller = serializers.SerializerMethodField()
    user_defined_license_settings = serializers.SerializerMethodField()
    template_tasks = ConstantField([])

    @extend_schema_field(
        {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("code", "name", "version", "versionName")},
        }
    )
    def get_analysis(self, analysis: JobAnalysis) -> dict[str, str]:
        fields = analysis.fields
        return {
            "code": fields.analysis_code,
            "name": analysis.name,
            "version": fields.analysis_version,
            "versionName": fields.analysis_version,
        }

    @extend_schema_field(
        {"type": "object", "properties": {name: {"type": "boolean"} for name in ("igCv", "runForever")}}
    )
    def get_flags(self, analysis: JobAnalysis) -> dict[str, bool]:
        return {
            "igCv": analysis.fields.license_settings.get("igCv", True),
            "runForever": analysis.job.run_forever,
        }

    @extend_schema_field(InputFileSerializer(many=True))
    def get_input_files(self, analysis: JobAnalysis) -> Any:
        rows = [row for row in analysis.inputs if row.purpose == JobInput.Purpose.INPUT]
        return InputFileSerializer(rows, many=True).data

    @extend_schema_field(ScriptSerializer(allow_null=True))
    def get_pre_process_script(self, analysis: JobAnalysis) -> Any:
        return _script(analysis.script(JobInput.Purpose.PRE_PROCESS))

    @extend_schema_field(ScriptSerializer(allow_null=True))
    def get_post_process_script(self, analysis: JobAnalysis) -> Any:
        return _script(analysis.script(JobInput.Purpose.POST_PROCESS))

    def get_use_rescale_license(self, analysis: JobAnalysis) -> bool:
        return bool(analysis.fields.license_settings.get("useRescaleLicense"))

    @extend_schema_field({"nullable": True})
    def get_on_demand_license_seller(self, analysis: JobAnalysis) -> Any:
        return analysis.fields.license_settings.get("onDemandLicenseSeller")

    @extend_schema_field({"type": "object", "additionalProperties": {}, "nullable": True})
    def get_user_defined_license_settings(self, analysis: JobAnalysis) -> Any:
        return analysis.fields.license_settings.get("userDefinedLicenseSettings", {"featureSets": []})


def _script(row: JobInput | None) -> Any:
    return ScriptSerializer(row).data if row is not None else None


def _hours(duration: timedelta) -> float:
    """Return whole hours as an int, so that JSON says 2 and not 2.0."""
    hours = duration.total_seconds() / 3600
    return int(hours) if hours.is_integer() else hours

"""The analysis of a job, as Rescale's clients expect it: what it runs, and on which nodes."""

from datetime import timedelta

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from jobs.api.constant import ConstantField
from jobs.api.job_fields import CoreTypeCodeField
from jobs.catalogue.choice import analysis_names
from jobs.models import Job


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
    type = ConstantField("compute")
    core_summary = serializers.SerializerMethodField()

    @extend_schema_field({"type": "number", "description": "Hours."})
    def get_walltime(self, job: Job) -> float:
        return _hours(job.walltime)

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


class JobAnalysisSerializer(CamelSerializer):
    """What a job runs, and on which nodes."""

    analysis = serializers.SerializerMethodField()
    command = serializers.CharField()
    env_vars = serializers.DictField(child=serializers.CharField())
    flags = ConstantField({"igCv": True, "runForever": False})
    hardware = HardwareSerializer(source="*")
    input_files = InputFileSerializer(many=True, source="inputs")
    use_rescale_license = ConstantField(value=False)
    use_mpi = ConstantField(value=False)
    template_tasks = ConstantField([])
    pre_process_script = ConstantField(None)
    pre_process_script_command = ConstantField("")
    post_process_script = ConstantField(None)
    post_process_script_command = ConstantField("")
    on_demand_license_seller = ConstantField(None)
    user_defined_license_settings = ConstantField({"featureSets": []})

    @extend_schema_field(
        {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("code", "name", "version", "versionName")},
        }
    )
    def get_analysis(self, job: Job) -> dict[str, str]:
        return {
            "code": job.analysis_code,
            "name": analysis_names().get(job.analysis_code, job.analysis_code),
            "version": job.analysis_version,
            "versionName": job.analysis_version,
        }


def _hours(duration: timedelta) -> float:
    """Return whole hours as an int, so that JSON says 2 and not 2.0."""
    hours = duration.total_seconds() / 3600
    return int(hours) if hours.is_integer() else hours

"""The body of POST, PUT and PATCH jobs/: from JSON to a draft, and from a refused draft back to JSON's places.

The serializers judge types only. What a job may ask for is judged in one place, `jobs.submission.draft`, for every door.
"""

from dataclasses import replace
from typing import Any

from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.fields import NumberField, WholeNumberField
from jobs.api.job_fields import CoreTypeCodeField, LooseBooleanField
from jobs.submission.draft import JobDraft
from jobs.submission.job_actions import DraftRefused

# Where a draft's fields stand in the body; everything else stands on top.
_IN_ANALYSIS = ("command", "envVars")
_IN_HARDWARE = ("coreType", "coresPerSlot", "slots", "walltime")


class EntriesField(serializers.ListSerializer[Any]):
    """A list whose errors stand where the entries stand, `[{}, {"id": [...]}]`, as Rescale's clients walk them.

    REST framework now names entries by number instead.
    """

    def to_internal_value(self, data: Any) -> Any:
        """The entries. Raises ValidationError with one error an entry, or with sentences about the list."""
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            found: Any = error.detail
            sentences = found.get("non_field_errors")
            raise serializers.ValidationError(
                sentences or [found.get(number, {}) for number in range(len(data))]
            ) from None


class HardwareBody(CamelSerializer):
    """The machines to order."""

    core_type = CoreTypeCodeField(allow_blank=True)
    cores_per_slot = WholeNumberField()
    slots = WholeNumberField(required=False, allow_null=True)
    walltime = NumberField(
        required=False, allow_null=True, help_text="Hours. Without it: the longest allowed."
    )


class AnalysisBody(CamelSerializer):
    """The software: `user_included` means your own."""

    code = serializers.CharField(max_length=80)
    version = serializers.CharField(max_length=80, required=False, allow_null=True)


class InputFileBody(CamelSerializer):
    """An uploaded file."""

    id = serializers.RegexField(
        r"\A[A-Za-z]{1,12}\Z", error_messages={"invalid": "This is no file's id: an id has letters only."}
    )
    decompress = LooseBooleanField()

    class Meta:
        list_serializer_class = EntriesField


class JobAnalysisBody(CamelSerializer):
    """What to run on what."""

    analysis = AnalysisBody()
    command = serializers.CharField(allow_blank=True, trim_whitespace=False)
    env_vars = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False, allow_null=True
    )
    hardware = HardwareBody()
    input_files = InputFileBody(many=True, required=False, allow_null=True, max_length=1000)  # type: ignore[call-arg]

    class Meta:
        list_serializer_class = EntriesField


_ONE = "A job has exactly one analysis: what to run, and on what."
ONE: dict[str, Any] = {
    "min_length": 1,
    "max_length": 1,
    "error_messages": {"min_length": _ONE, "max_length": _ONE},
}


class JobBody(CamelSerializer):
    """A job as it is asked for. Keys not named here are ignored."""

    name = serializers.CharField(allow_blank=True)
    jobanalyses = JobAnalysisBody(many=True, **ONE)
    is_low_priority = LooseBooleanField()
    project_id = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    auto_terminate_cluster = LooseBooleanField()


class JobPatch(JobBody):
    """What to change; what is left out stays."""

    name = serializers.CharField(allow_blank=True, required=False)
    jobanalyses = JobAnalysisBody(many=True, required=False, **ONE)


NOTHING = JobDraft(name="", command="", core_type="", cores_per_slot=0)


def to_draft(said: dict[str, Any], before: JobDraft = NOTHING) -> JobDraft:
    """The draft that a checked body asks for; what it does not say stays as in `before`."""
    analysis = (said.get("jobanalyses") or [{}])[0]
    software, hardware = analysis.get("analysis", {}), analysis.get("hardware", {})
    values = {
        "name": said.get("name"),
        "command": analysis.get("command"),
        "core_type": hardware.get("core_type"),
        "cores_per_slot": hardware.get("cores_per_slot"),
        "slots": hardware.get("slots"),
        "walltime_hours": hardware.get("walltime"),
        "analysis_code": software.get("code"),
        "analysis_version": software.get("version"),
        "env_vars": analysis.get("env_vars"),
        "auto_terminate_cluster": said.get("auto_terminate_cluster"),
        "is_low_priority": said.get("is_low_priority"),
    }
    asked = replace(before, **{name: value for name, value in values.items() if value is not None})
    # The one thing that null takes away.
    return replace(asked, project_id=said["project_id"]) if "project_id" in said else asked


def input_files(said: dict[str, Any]) -> list[tuple[str, bool]] | None:
    """The files a checked body names, in order, each with whether it is to be unpacked; None if it has no list."""
    found = (said.get("jobanalyses") or [{}])[0].get("input_files")
    return None if found is None else [(file["id"], file.get("decompress") is not False) for file in found]


def as_tree(refused: DraftRefused) -> serializers.ValidationError:
    """Every problem at its place in the body: `{"jobanalyses": [{"hardware": {"coresPerSlot": ["..."]}}]}`."""
    top: dict[str, Any] = {}
    analysis: dict[str, Any] = {}
    hardware: dict[str, Any] = {}
    for problem in refused.problems:
        field = problem.field or "nonFieldErrors"
        place = hardware if field in _IN_HARDWARE else analysis if field in _IN_ANALYSIS else top
        place.setdefault(field, []).append(problem.message)
    if hardware:
        analysis["hardware"] = hardware
    if analysis:
        top["jobanalyses"] = [analysis]
    return serializers.ValidationError(top)

"""Convert the body of POST, PUT and PATCH jobs/ to a draft, and a refused draft to errors at the fields of the body.

The serializers check types only. What a job may ask for is checked in `jobs.submission.draft`, for pages and API alike.
"""

from dataclasses import replace
from typing import Any

from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.fields import NumberField, WholeNumberField
from jobs.api.job_fields import CoreTypeCodeField, LooseBooleanField
from jobs.submission.draft import JobDraft
from jobs.submission.job_actions import DraftRefused

# Where the fields of a draft are in the body; all others are at the top level.
_IN_ANALYSIS = ("command", "envVars")
_IN_SOFTWARE = ("code", "version")
_IN_HARDWARE = ("coreType", "coresPerSlot", "slots", "walltime")


class EntriesField(serializers.ListSerializer[Any]):
    """A list whose errors are a list too, `[{}, {"id": [...]}]`, as Rescale's clients expect.

    REST framework returns an object with the entries' numbers as keys instead.
    """

    def to_internal_value(self, data: Any) -> Any:
        """Return the entries. Raises ValidationError with one error per entry, or with sentences for the list."""
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            found: Any = error.detail
            sentences = found.get("non_field_errors")
            raise serializers.ValidationError(
                sentences or [found.get(number, {}) for number in range(len(data))]
            ) from None


class HardwareBody(CamelSerializer):
    """The nodes to order."""

    core_type = CoreTypeCodeField(allow_blank=True)
    cores_per_slot = WholeNumberField()
    slots = WholeNumberField(required=False, allow_null=True)
    walltime = NumberField(required=False, allow_null=True, help_text="Hours. Default: the longest allowed.")


class AnalysisBody(CamelSerializer):
    """The program to run: `user_included` means your own. Its version by code or name; the default without one."""

    code = serializers.CharField(max_length=80)
    version = serializers.CharField(max_length=80, required=False, allow_null=True)


class InputFileBody(CamelSerializer):
    """An uploaded file."""

    id = serializers.RegexField(
        r"\A[A-Za-z]{1,12}\Z", error_messages={"invalid": "This is not a file id: an id has letters only."}
    )
    decompress = LooseBooleanField()

    class Meta:
        list_serializer_class = EntriesField


class JobAnalysisBody(CamelSerializer):
    """What to run, and on which nodes."""

    analysis = AnalysisBody()
    command = serializers.CharField(allow_blank=True, trim_whitespace=False)
    env_vars = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False, allow_null=True
    )
    hardware = HardwareBody()
    input_files = InputFileBody(many=True, required=False, allow_null=True, max_length=1000)  # type: ignore[call-arg]

    class Meta:
        list_serializer_class = EntriesField


_ONE_SENTENCE = "A job has exactly one analysis: what to run, and on which nodes."
EXACTLY_ONE: dict[str, Any] = {
    "min_length": 1,
    "max_length": 1,
    "error_messages": {"min_length": _ONE_SENTENCE, "max_length": _ONE_SENTENCE},
}


class JobBody(CamelSerializer):
    """A job to create. Keys not named here are ignored."""

    name = serializers.CharField(allow_blank=True)
    jobanalyses = JobAnalysisBody(many=True, **EXACTLY_ONE)
    is_low_priority = LooseBooleanField()
    project_id = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    auto_terminate_cluster = LooseBooleanField()


class JobPatch(JobBody):
    """What to change. Fields that are left out stay as they are."""

    name = serializers.CharField(allow_blank=True, required=False)
    jobanalyses = JobAnalysisBody(many=True, required=False, **EXACTLY_ONE)


EMPTY_DRAFT = JobDraft(name="", command="", core_type="", cores_per_slot=0)


def to_draft(body: dict[str, Any], before: JobDraft = EMPTY_DRAFT) -> JobDraft:
    """Return the draft that a validated body asks for. Fields it leaves out stay as in `before`."""
    analysis = (body.get("jobanalyses") or [{}])[0]
    software, hardware = analysis.get("analysis", {}), analysis.get("hardware", {})
    values = {
        "name": body.get("name"),
        "command": analysis.get("command"),
        "core_type": hardware.get("core_type"),
        "cores_per_slot": hardware.get("cores_per_slot"),
        "slots": hardware.get("slots"),
        "walltime_hours": hardware.get("walltime"),
        "analysis_code": software.get("code"),
        "analysis_version": software.get("version"),
        "env_vars": analysis.get("env_vars"),
        "auto_terminate_cluster": body.get("auto_terminate_cluster"),
        "is_low_priority": body.get("is_low_priority"),
    }
    asked = replace(before, **{name: value for name, value in values.items() if value is not None})
    # null removes the project; in every other field it means the same as leaving it out.
    return replace(asked, project_id=body["project_id"]) if "project_id" in body else asked


def input_files(body: dict[str, Any]) -> list[tuple[str, bool]] | None:
    """Return the ids of the input files in order, each with whether to unpack it; None if the body has no list."""
    found = (body.get("jobanalyses") or [{}])[0].get("input_files")
    return None if found is None else [(file["id"], file.get("decompress") is not False) for file in found]


def validation_error_of(refused: DraftRefused) -> serializers.ValidationError:
    """Return every problem at its field in the body: `{"jobanalyses": [{"hardware": {"coresPerSlot": ["..."]}}]}`."""
    top: dict[str, Any] = {}
    analysis: dict[str, Any] = {}
    hardware: dict[str, Any] = {}
    software: dict[str, Any] = {}
    for problem in refused.problems:
        field = problem.field or "nonFieldErrors"
        places = ((_IN_HARDWARE, hardware), (_IN_SOFTWARE, software), (_IN_ANALYSIS, analysis))
        errors = next((place for fields, place in places if field in fields), top)
        errors.setdefault(field, []).append(problem.message)
    if hardware:
        analysis["hardware"] = hardware
    if software:
        analysis["analysis"] = software
    if analysis:
        top["jobanalyses"] = [analysis]
    return serializers.ValidationError(top)

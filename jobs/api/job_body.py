"""Convert the body of POST, PUT and PATCH jobs/ to a draft, and a refused draft to errors at the fields of the body.

The serializers check types only. What a job may ask for is checked in `jobs.submission.draft`, for pages and API alike.
"""

from dataclasses import replace
from typing import Any

from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from jobs.api.analysis_body import JobAnalysisBody, to_analysis_draft, without_empty_forms
from jobs.api.job_fields import LooseBooleanField, TextEntriesField
from jobs.api.not_offered import refuse_what_is_not_offered
from jobs.models import JobInput
from jobs.storage.job_inputs import InputDraft
from jobs.submission.analysis_draft import JobAnalysisDraft
from jobs.submission.draft import AnalysisRefused, JobDraft
from jobs.submission.job_actions import DraftRefused

# Where the fields of a draft are in the body; all others are at the top level.
_IN_SOFTWARE = ("code", "version")
_IN_ANALYSIS = (
    "command",
    "envVars",
    "preProcessScriptCommand",
    "postProcessScriptCommand",
    "userDefinedLicenseSettings",
)
_IN_HARDWARE = ("coreType", "coresPerSlot", "slots", "walltime")
PRIORITIES = {"INSTANT": False, "ON_DEMAND": True}
_AT_LEAST_ONE = "A job has at least one analysis: what to run, and on which nodes."
SOME: dict[str, Any] = {"min_length": 1, "error_messages": {"min_length": _AT_LEAST_ONE}}


class PriorityField(serializers.CharField):
    """`INSTANT` or `ON_DEMAND`."""

    def to_internal_value(self, data: Any) -> str:
        """Return the priority. Raises ValidationError for `RESERVED`, which is not offered, and for anything else."""
        if not isinstance(data, str) or data not in PRIORITIES:
            raise serializers.ValidationError(
                "Choose INSTANT or ON_DEMAND; here both mean the same. Reserved cores are not offered here."
            )
        return data


class CidrRulesField(serializers.CharField):
    """Access rules as one text, separated by commas."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the rules, each as it was written."""
        text = super().to_internal_value(data)
        return tuple(rule.strip() for rule in text.split(",") if rule.strip())


class JobBody(CamelSerializer):
    """A job to create. Keys of Rescale's that are not offered here are refused by name; unknown ones are ignored."""

    name = serializers.CharField(allow_blank=True)
    jobanalyses = JobAnalysisBody(many=True, **SOME)
    description = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, trim_whitespace=False
    )
    user_tags = TextEntriesField("name", required=False, help_text="Texts, or `{name}` as in Rescale.")
    archive_filters = TextEntriesField(
        "selector", required=False, help_text="Output files to keep: `*.vtk`, or `{selector}` as in Rescale."
    )
    is_low_priority = LooseBooleanField()
    billing_priority_value = PriorityField(required=False, allow_null=True)
    project_id = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=40)
    cidr_rule = CidrRulesField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=8000,
        help_text="Access rules of this job's cluster, in place of your own.",
    )
    public_key = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=100_000,
        help_text="Keys saved in Job Settings, one per line. All of yours are let in; others are refused.",
    )
    auto_terminate_cluster = LooseBooleanField()
    is_interactive = LooseBooleanField()
    idle_minutes = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Minutes without activity after which the cluster ends; 0: never; null: the portal's own limit.",
    )

    def to_internal_value(self, data: Any) -> Any:
        """Return the values. Raises ValidationError that names each key that is not offered here."""
        refuse_what_is_not_offered(data)
        forms = ("cidrRule", "publicKey", "billingPriorityValue", "projectId", "description")
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if key not in forms or value not in ([], {})}
        return super().to_internal_value(without_empty_forms(data, ("isLowPriority", "autoTerminateCluster")))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check what the body says twice, and that its analyses have one cluster."""
        priority, low = attrs.get("billing_priority_value"), attrs.get("is_low_priority")
        if priority is not None and low is not None and PRIORITIES[priority] != low:
            raise serializers.ValidationError(
                {"billingPriorityValue": [f"isLowPriority: {str(low).lower()} says the opposite."]}
            )
        if wrong := _hardware_errors(attrs.get("jobanalyses", []), partial=self.partial):
            raise serializers.ValidationError({"jobanalyses": wrong})
        return attrs


class JobPatch(JobBody):
    """What to change. Fields that are left out stay as they are; a list of analyses replaces the present one."""

    name = serializers.CharField(allow_blank=True, required=False)
    jobanalyses = JobAnalysisBody(many=True, required=False, **SOME)


class JobPut(JobBody):
    """A job to save in place of the present one. Without `jobanalyses` the present ones stay."""

    jobanalyses = JobAnalysisBody(many=True, required=False, **SOME)


def _hardware_errors(analyses: list[dict[str, Any]], *, partial: bool) -> list[dict[str, Any]]:
    """Return an error entry per analysis if the first has no hardware, or another one has other hardware."""
    if not analyses:
        return []
    first = analyses[0].get("hardware")
    errors: list[dict[str, Any]] = [{} for _ in analyses]
    if first is None and not partial:
        errors[0] = {"hardware": ["This field is required."]}
    for number, analysis in enumerate(analyses[1:], start=1):
        other = analysis.get("hardware") or {}
        differs = [
            key for key, value in other.items() if value is not None and value != (first or {}).get(key)
        ]
        if differs:
            sentence = (
                "The analyses of a job run one after the other in one cluster: give them the same hardware."
            )
            errors[number] = {"hardware": [sentence]}
    return errors if any(errors) else []


EMPTY_DRAFT = JobDraft(name="", core_type="", cores_per_slot=0)


def to_draft(body: dict[str, Any], before: JobDraft = EMPTY_DRAFT) -> JobDraft:
    """Return the draft that a validated body asks for. Fields it leaves out stay as in `before`."""
    analyses = body.get("jobanalyses") or []
    first: dict[str, Any] = analyses[0] if analyses else {}
    hardware = first.get("hardware") or {}
    priority = body.get("billing_priority_value")
    kind = hardware.get("type")
    values = {
        **(to_analysis_draft(first, before.analyses[0]) if analyses else {}),
        "name": body.get("name"),
        "core_type": hardware.get("core_type"),
        "cores_per_slot": hardware.get("cores_per_slot"),
        "slots": hardware.get("slots"),
        "walltime_hours": hardware.get("walltime"),
        "following": _following(analyses, before) if analyses else None,
        "run_forever": _run_forever(analyses),
        "is_interactive": body.get("is_interactive") if kind is None else kind == "interactive",
        "auto_terminate_cluster": body.get("auto_terminate_cluster"),
        "is_low_priority": body.get("is_low_priority") if priority is None else PRIORITIES[priority],
        "user_tags": body.get("user_tags"),
        "archive_filters": body.get("archive_filters"),
    }
    asked = replace(before, **{name: value for name, value in values.items() if value is not None})
    if asked.run_forever and not before.run_forever and body.get("auto_terminate_cluster") is None:
        asked = replace(asked, auto_terminate_cluster=None)
    # null empties these; in every other field it means the same as leaving it out.
    if "project_id" in body:
        asked = replace(asked, project_id=body["project_id"])
    if "description" in body:
        asked = replace(asked, description=body["description"] or "")
    if "idle_minutes" in body:
        asked = replace(asked, idle_minutes=body["idle_minutes"])
    if "cidr_rule" in body:
        asked = replace(asked, cidr_rules=body["cidr_rule"] or ())
    return asked


def _following(analyses: list[dict[str, Any]], before: JobDraft) -> tuple[JobAnalysisDraft, ...]:
    known = before.following
    return tuple(
        JobAnalysisDraft(**to_analysis_draft(body, known[n] if n < len(known) else JobAnalysisDraft()))
        for n, body in enumerate(analyses[1:])
    )


def _run_forever(analyses: list[dict[str, Any]]) -> bool | None:
    said = [(analysis.get("flags") or {}).get("run_forever") for analysis in analyses]
    return None if all(value is None for value in said) else any(said)


def input_files(body: dict[str, Any], before: list[InputDraft]) -> list[InputDraft] | None:
    """Return every file of every analysis in order; None if the body has no list of analyses.

    What an analysis leaves out, its files or a script, stays as in `before`.
    """
    analyses = body.get("jobanalyses")
    if not analyses:
        return None
    found: list[InputDraft] = []
    for number, analysis in enumerate(analyses):
        for key, purpose in _FILES.items():
            if analysis.get(key) is None and not (key in analysis and key != "input_files"):
                found += [known for known in before if (known.analysis, known.purpose) == (number, purpose)]
                continue
            entries = analysis[key] if key == "input_files" else [analysis[key]] if analysis[key] else []
            for entry in entries:
                unpack = key == "input_files" and entry.get("decompress") is not False
                found.append(InputDraft(entry["id"], unpack, number, purpose))
    return found


_FILES = {
    "input_files": JobInput.Purpose.INPUT,
    "pre_process_script": JobInput.Purpose.PRE_PROCESS,
    "post_process_script": JobInput.Purpose.POST_PROCESS,
}


def validation_error_of(refused: DraftRefused) -> serializers.ValidationError:
    """Return every problem at its field in the body: `{"jobanalyses": [{"hardware": {"coresPerSlot": ["..."]}}]}`."""
    top: dict[str, Any] = {}
    analyses: dict[int, dict[str, Any]] = {}
    for problem in refused.problems:
        field = problem.field or "nonFieldErrors"
        position = problem.position if isinstance(problem, AnalysisRefused) else 0
        if field in _IN_ANALYSIS:
            place = analyses.setdefault(position, {})
        elif field in _IN_HARDWARE:
            place = analyses.setdefault(position, {}).setdefault("hardware", {})
        elif field in _IN_SOFTWARE:
            place = analyses.setdefault(position, {}).setdefault("analysis", {})
        else:
            place = top
        place.setdefault(field, []).append(problem.message)
    if analyses:
        top["jobanalyses"] = [analyses.get(number, {}) for number in range(max(analyses) + 1)]
    return serializers.ValidationError(top)

"""One analysis in the body of a job: serializers that check types only."""

from typing import Any

from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from accounts.rest.fields import NumberField, WholeNumberField
from jobs.api.job_fields import CoreTypeCodeField, LooseBooleanField
from jobs.api.not_offered import refuse_what_is_not_offered
from jobs.submission.analysis_draft import JobAnalysisDraft

EMPTY_FORMS: tuple[Any, ...] = ([], {}, "")
# What has no effect here, with the values that say nothing: key in JSON: (key when validated, default).
WITHOUT_EFFECT: dict[str, tuple[str, Any]] = {
    "useRescaleLicense": ("use_rescale_license", False),
    "onDemandLicenseSeller": ("on_demand_license_seller", None),
    "userDefinedLicenseSettings": ("user_defined_license_settings", {"featureSets": []}),
    "igCv": ("ig_cv", True),
}


def without_empty_forms(data: Any, names: tuple[str, ...]) -> Any:
    """Return a body without those of its keys that hold an empty form (`walltime: []`): some programs send them."""
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in data.items() if name not in names or value not in EMPTY_FORMS}


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
    type = serializers.ChoiceField(
        ["compute", "interactive"],
        required=False,
        allow_null=True,
        help_text="`interactive`: without a command the cluster is for people.",
    )

    def to_internal_value(self, data: Any) -> Any:
        """Return the values. An empty form means the same as leaving the key out."""
        return super().to_internal_value(without_empty_forms(data, ("slots", "walltime", "type")))


class AnalysisBody(CamelSerializer):
    """The program to run: `user_included` means your own. Its version by code or name; the default without one."""

    code = serializers.CharField(max_length=80)
    version = serializers.CharField(max_length=80, required=False, allow_null=True, allow_blank=True)


class FileBody(CamelSerializer):
    """An uploaded file."""

    id = serializers.RegexField(
        r"\A[A-Za-z]{1,12}\Z", error_messages={"invalid": "This is not a file id: an id has letters only."}
    )

    def to_internal_value(self, data: Any) -> Any:
        """Return the values. Also a PATCH, which may leave other things out, names the file."""
        values = super().to_internal_value(data)
        if "id" not in values:
            raise serializers.ValidationError({"id": ["This field is required."]})
        return values


class InputFileBody(FileBody):
    """An uploaded file, and whether to unpack it if it is an archive."""

    decompress = LooseBooleanField()

    class Meta:
        list_serializer_class = EntriesField


class FlagsBody(CamelSerializer):
    """Flags of an analysis. `runForever` keeps the cluster after the last command. `igCv` is kept, without effect."""

    run_forever = LooseBooleanField()
    ig_cv = LooseBooleanField()


class JobAnalysisBody(CamelSerializer):
    """What to run, and on which nodes. The analyses of a job share one cluster."""

    analysis = AnalysisBody()
    command = serializers.CharField(allow_blank=True, trim_whitespace=False)
    env_vars = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False, allow_null=True
    )
    flags = FlagsBody(required=False, allow_null=True)
    hardware = HardwareBody(required=False)
    input_files = InputFileBody(many=True, required=False, allow_null=True, max_length=1000)  # type: ignore[call-arg]
    use_mpi = LooseBooleanField()
    pre_process_script = FileBody(required=False, allow_null=True)
    pre_process_script_command = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, trim_whitespace=False
    )
    post_process_script = FileBody(required=False, allow_null=True)
    post_process_script_command = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, trim_whitespace=False
    )
    use_rescale_license = LooseBooleanField()
    on_demand_license_seller = serializers.JSONField(required=False, allow_null=True)
    user_defined_license_settings = serializers.JSONField(required=False, allow_null=True)

    class Meta:
        list_serializer_class = EntriesField

    def to_internal_value(self, data: Any) -> Any:
        """Return the values. Raises ValidationError that names each key that is not offered here."""
        refuse_what_is_not_offered(data, of_analysis=True)
        forms = ("env_vars", "envVars", "flags", "preProcessScript", "postProcessScript", "useMpi")
        return super().to_internal_value(without_empty_forms(data, forms))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check that every script has a command that runs it. A whole job's own command may be in `before`."""
        for when in ("pre", "post"):
            script, command = attrs.get(f"{when}_process_script"), attrs.get(f"{when}_process_script_command")
            if script and not command and not self.context.get("partial"):
                key = f"{when}ProcessScriptCommand"
                raise serializers.ValidationError(
                    {key: ["Say how to run the script, such as: bash script.sh"]}
                )
        return attrs


def to_analysis_draft(body: dict[str, Any], before: JobAnalysisDraft) -> dict[str, Any]:
    """Return the fields of an analysis that a validated body asks for. What it leaves out stays as in `before`."""
    software = body.get("analysis", {})
    said = {**body, **(body.get("flags") or {})}
    licences = dict(before.license_settings)
    for name, (key, default) in WITHOUT_EFFECT.items():
        if said.get(key, default) == default and key in said:
            licences.pop(name, None)
        elif said.get(key) is not None:
            licences[name] = said[key]
    values = {
        "command": body.get("command"),
        "analysis_code": software.get("code"),
        "env_vars": body.get("env_vars"),
        "use_mpi": body.get("use_mpi"),
        "pre_process_command": body.get("pre_process_script_command"),
        "post_process_command": body.get("post_process_script_command"),
        "license_settings": licences,
    }
    found = {**vars(before), **{name: value for name, value in values.items() if value is not None}}
    if "code" in software or "version" in software:
        found["analysis_version"] = software.get("version") or None
    return found

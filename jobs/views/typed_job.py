"""Read the draft of a job from the fields of the New job form."""

from collections.abc import Mapping
from typing import Any

from jobs.storage.job_inputs import InputDraft
from jobs.submission.draft import JobDraft


def typed_draft(values: Mapping[str, str]) -> JobDraft:
    """Return what was typed. Text that is not a number stays text, and `jobs.submission.draft` refuses it."""
    hours = values.get("walltime", "").strip()
    analysis, _, version = values.get("analysis", "").partition(" ")
    return JobDraft(
        name=values.get("name", ""),
        analysis_code=analysis or "user_included",
        analysis_version=version or None,
        command=values.get("command", ""),
        core_type=values.get("core_type", ""),
        cores_per_slot=_number(int, values.get("cores_per_slot", "")),
        slots=_number(int, values.get("slots", "")),
        walltime_hours=_number(float, hours) if hours else None,
        idle_minutes=_number(int, idle) if (idle := values.get("idle_minutes", "").strip()) else None,
        project_id=values.get("project"),
    )


def typed_inputs(values: Mapping[str, str]) -> list[InputDraft]:
    """Return the input files that were chosen. The page's script writes their ids with blanks between them."""
    return [InputDraft(file_id) for file_id in values.get("inputs", "").split()]


def _number(kind: type[int] | type[float], text: str) -> Any:
    """Return the text as a number of this kind; unchanged if it is not one."""
    try:
        return kind(text.strip()) if text.isascii() and "_" not in text else text
    except (ValueError, OverflowError):
        return text

"""The columns of a job and of the analyses that follow its first, from a draft that was checked."""

from collections.abc import Sequence
from typing import Any, Protocol

from accounts import cidr
from jobs.catalogue.choice import ChosenVersion
from jobs.models import AnalysisFields, CoreType, FollowingAnalysis, Job
from jobs.submission import draft
from jobs.submission.analysis_draft import JobAnalysisDraft
from jobs.submission.draft import JobDraft, Offer

# Labels for users and programs, which do not affect the run: they can change while the job runs and after.
LABELS = ("name", "project_id", "is_low_priority", "description", "user_tags")


class Checked(Protocol):
    """What the catalogue has for the draft."""

    @property
    def core_type(self) -> CoreType: ...
    @property
    def offer(self) -> Offer: ...
    @property
    def versions(self) -> Sequence[ChosenVersion]: ...


def label_fields(asked: JobDraft) -> dict[str, Any]:
    """Return the columns of the labels."""
    return {
        "name": asked.name.strip(),
        "project_id": asked.project_id,
        "is_low_priority": asked.is_low_priority,
        "description": asked.description,
        "user_tags": [tag.strip() for tag in asked.user_tags],
    }


def run_fields(asked: JobDraft, checked: Checked) -> dict[str, Any]:
    """Return the columns of the job's own row that affect the run."""
    fields = {
        **_analysis_columns(asked, checked.versions[0]),
        "core_type": checked.core_type,
        "cores_per_slot": asked.cores_per_slot,
        "slots": asked.slots,
        "walltime": draft.walltime_of(asked, checked.offer),
        "run_forever": asked.run_forever,
        "idle_minutes": asked.idle_minutes,
        "is_interactive": asked.is_interactive,
        "archive_filters": list(asked.archive_filters),
        "cidr_rules": [str(cidr.parse(rule).network) for rule in asked.cidr_rules],
    }
    if asked.run_forever or asked.auto_terminate_cluster is not None:
        fields["auto_terminate_cluster"] = bool(asked.auto_terminate_cluster)
    return fields


def save_following(job: Job, asked: JobDraft, checked: Checked) -> None:
    """Replace the analyses that follow the first."""
    job.following.all().delete()
    FollowingAnalysis.objects.bulk_create(
        FollowingAnalysis(job=job, position=position, **_analysis_columns(analysis, version))
        for position, (analysis, version) in enumerate(
            zip(asked.following, checked.versions[1:], strict=True), start=1
        )
    )


def analysis_draft_of(row: AnalysisFields) -> JobAnalysisDraft:
    """Return the draft that describes an analysis."""
    return JobAnalysisDraft(**{name: getattr(row, name) for name in JobAnalysisDraft.__dataclass_fields__})


def _analysis_columns(analysis: JobAnalysisDraft, version: ChosenVersion) -> dict[str, Any]:
    columns = {name: getattr(analysis, name) for name in JobAnalysisDraft.__dataclass_fields__}
    for name in ("command", "pre_process_command", "post_process_command"):
        columns[name] = columns[name].replace("\r\n", "\n")
    return {
        **columns,
        "analysis_version": version.code,
        "env_vars": dict(analysis.env_vars),
        "license_settings": dict(analysis.license_settings),
    }

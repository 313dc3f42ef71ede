"""Check the draft of a job before anything is stored. Pure: no I/O, no Django."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta

from accounts import cidr
from accounts.keys.key_material import key_material_in
from accounts.refusals import Refused
from jobs.submission.analysis_draft import JobAnalysisDraft, find_analysis_problems
from jobs.submission.refusal_reasons import JobRefusal
from jobs.submission.texts import control_characters

MAX_NAME = 200
MAX_DESCRIPTION = 10_000
MAX_TAGS, MAX_TAG = 50, 80
MAX_FILTERS, MAX_FILTER = 100, 300
MAX_RULES = 100
MAX_ANALYSES = 20
MAX_IDLE_MINUTES = 366 * 24 * 60


@dataclass(frozen=True)
class Offer:
    """What the catalogue and the administrator allow for one core type."""

    core_type: str
    cores: Sequence[int]
    max_slots: int
    max_hours: int
    max_idle_minutes: int = 0  # 0: any idle limit, and none at all


@dataclass(frozen=True, kw_only=True)
class JobDraft(JobAnalysisDraft):
    """A job as the user asks for it: its first analysis, those that follow it, and the cluster they share.

    `walltime_hours` None means the longest that the administrator allows. `cidr_rules` replace the owner's access rules
    for this job's cluster, unless empty. `run_forever` keeps the cluster after the last command. `idle_minutes` None
    means the portal's own idle limit, 0 none.
    """

    name: str
    core_type: str
    cores_per_slot: int
    slots: int = 1
    walltime_hours: float | None = None
    following: tuple[JobAnalysisDraft, ...] = ()
    auto_terminate_cluster: bool | None = None
    run_forever: bool = False
    idle_minutes: int | None = None
    is_interactive: bool = False
    is_low_priority: bool = False
    project_id: str | None = None
    description: str = ""
    user_tags: tuple[str, ...] = ()
    archive_filters: tuple[str, ...] = ()
    cidr_rules: tuple[str, ...] = ()

    @property
    def analyses(self) -> tuple[JobAnalysisDraft, ...]:
        """All analyses in the order in which they run."""
        first = JobAnalysisDraft(
            **{field.name: getattr(self, field.name) for field in fields(JobAnalysisDraft)}
        )
        return (first, *self.following)


class AnalysisRefused(Refused):
    """A problem of one analysis; `position` counts from 0."""

    def __init__(self, problem: Refused, position: int) -> None:
        super().__init__(problem.reason, problem.message, problem.field, problem.status)
        self.position = position


def find_problems(draft: JobDraft, offer: Offer, *, needs_command: bool = True) -> list[Refused]:
    """Return every problem of the draft, each with its field. A cluster for interactive work needs no command."""
    needs_command = needs_command and not (draft.is_interactive and not draft.following)
    found = [
        _name(draft.name),
        *_analyses(draft, needs_command=needs_command),
        _cores(draft.cores_per_slot, offer),
        _slots(draft.slots, offer),
        _walltime(draft.walltime_hours, offer),
        _idle_limit(draft.idle_minutes, offer),
        *find_label_problems(draft),
        _filters(draft.archive_filters),
        _cidr_rules(draft.cidr_rules),
        _end_of_life(draft),
    ]
    return [problem for problem in found if problem is not None]


def find_label_problems(draft: JobDraft) -> list[Refused]:
    """Return the problems of what may change at any time, but for the name."""
    found = [_description(draft.description), _tags(draft.user_tags)]
    return [problem for problem in found if problem is not None]


def _analyses(draft: JobDraft, *, needs_command: bool) -> list[Refused]:
    if len(draft.following) >= MAX_ANALYSES:
        text = f"A job has at most {MAX_ANALYSES} analyses."
        return [Refused(JobRefusal.TOO_MANY_ANALYSES, text, field="jobanalyses")]
    return [
        AnalysisRefused(problem, position)
        for position, analysis in enumerate(draft.analyses)
        for problem in find_analysis_problems(analysis, needs_command=needs_command)
    ]


def _description(text: str) -> Refused | None:
    if len(text) > MAX_DESCRIPTION or control_characters(text):
        return Refused(
            JobRefusal.DESCRIPTION_INVALID,
            f"A description has at most {MAX_DESCRIPTION} characters and no control characters.",
            field="description",
        )
    return None


def _tags(tags: Sequence[str]) -> Refused | None:
    if len(tags) > MAX_TAGS or any(not t.strip() or len(t) > MAX_TAG or not t.isprintable() for t in tags):
        return Refused(
            JobRefusal.TAGS_INVALID,
            f"A job has at most {MAX_TAGS} tags of 1 to {MAX_TAG} printable characters.",
            field="userTags",
        )
    return None


def _filters(filters: Sequence[str]) -> Refused | None:
    if len(filters) > MAX_FILTERS or any(
        not f.strip() or len(f) > MAX_FILTER or control_characters(f) for f in filters
    ):
        return Refused(
            JobRefusal.FILTERS_INVALID,
            f"Name output files by at most {MAX_FILTERS} patterns of 1 to {MAX_FILTER} characters, such as *.vtk.",
            field="archiveFilters",
        )
    return None


def _cidr_rules(rules: Sequence[str]) -> Refused | None:
    if len(rules) > MAX_RULES:
        return Refused(JobRefusal.RULES_INVALID, f"At most {MAX_RULES} rules.", field="cidrRule")
    for rule in rules:
        try:
            cidr.parse(rule)
        except Refused as refused:
            return Refused(refused.reason, refused.message, field="cidrRule")
    return None


def _end_of_life(draft: JobDraft) -> Refused | None:
    if draft.run_forever and draft.auto_terminate_cluster:
        return Refused(
            JobRefusal.END_OF_LIFE_CONTRADICTION,
            "runForever keeps the cluster and autoTerminateCluster ends it: set only one of them to true.",
            field="autoTerminateCluster",
        )
    return None


def walltime_of(draft: JobDraft, offer: Offer) -> timedelta:
    """Return the walltime of a draft without problems."""
    return timedelta(hours=offer.max_hours if draft.walltime_hours is None else draft.walltime_hours)


def _name(name: object) -> Refused | None:
    if not isinstance(name, str) or not name.strip():
        return Refused(JobRefusal.NAME_MISSING, "Give the job a name.", field="name")
    if len(name) > MAX_NAME or not name.strip().isprintable():
        return Refused(
            JobRefusal.NAME_INVALID,
            f"A job's name has at most {MAX_NAME} characters, all printable.",
            field="name",
        )
    if key_material_in(name):
        message = "This looks like a key, not a name. It was not saved. Give the job a short name."
        return Refused(JobRefusal.NAME_INVALID, message, field="name")
    return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _cores(cores: object, offer: Offer) -> Refused | None:
    if not _is_whole(cores) or cores not in offer.cores:
        choices = ", ".join(str(n) for n in offer.cores)
        return Refused(
            JobRefusal.CORES_NOT_OFFERED,
            f"{offer.core_type} has no slot of that many cores. Choose one of: {choices}.",
            field="coresPerSlot",
        )
    return None


def _slots(slots: object, offer: Offer) -> Refused | None:
    if not _is_whole(slots) or not 1 <= slots <= offer.max_slots:  # type: ignore[operator]
        return Refused(
            JobRefusal.SLOTS_OUT_OF_RANGE,
            f"Slots must be a whole number from 1 to {offer.max_slots}.",
            field="slots",
        )
    return None


def _walltime(hours: object, offer: Offer) -> Refused | None:
    if hours is None:
        return None
    sentence = f"Walltime must be more than 0 and at most {offer.max_hours} hours."
    if not isinstance(hours, int | float) or isinstance(hours, bool) or not math.isfinite(hours):
        return Refused(JobRefusal.WALLTIME_OUT_OF_RANGE, sentence, field="walltime")
    if not 0 < hours <= offer.max_hours or hours * 3600 < 1:
        return Refused(JobRefusal.WALLTIME_OUT_OF_RANGE, sentence, field="walltime")
    return None


def _idle_limit(minutes: object, offer: Offer) -> Refused | None:
    least, most = (1, offer.max_idle_minutes) if offer.max_idle_minutes else (0, MAX_IDLE_MINUTES)
    if minutes is None or (_is_whole(minutes) and least <= minutes <= most):  # type: ignore[operator]
        return None
    sentence = f"The idle limit must be a whole number of minutes from {least} to {most}."
    sentence += "" if least else " 0 means that the cluster does not end for being idle."
    return Refused(JobRefusal.IDLE_LIMIT_OUT_OF_RANGE, sentence, field="idleMinutes")

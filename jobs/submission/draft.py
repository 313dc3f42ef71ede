"""Check the draft of a job before anything is stored. Pure: no I/O, no Django."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from accounts.keys.key_material import key_material_in
from accounts.refusals import Refused
from jobs.submission.refusal_reasons import JobRefusal

MAX_COMMAND_BYTES = 256 * 1024
MAX_NAME = 200
MAX_ENV_VARS = 200
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")


@dataclass(frozen=True)
class Offer:
    """What the catalogue and the administrator allow for one core type."""

    core_type: str
    cores: Sequence[int]
    max_slots: int
    max_hours: int


@dataclass(frozen=True)
class JobDraft:
    """A job as the user asks for it.

    `walltime_hours` None means the longest that the administrator allows, `analysis_version` None the default version.
    """

    name: str
    command: str
    core_type: str
    cores_per_slot: int
    slots: int = 1
    walltime_hours: float | None = None
    analysis_code: str = "user_included"
    analysis_version: str | None = None
    env_vars: Mapping[str, str] = field(default_factory=dict)
    auto_terminate_cluster: bool | None = None
    is_low_priority: bool = False
    project_id: str | None = None


def find_problems(draft: JobDraft, offer: Offer, *, needs_command: bool = True) -> list[Refused]:
    """Return every problem of the draft, each with its field. A cluster for interactive work needs no command."""
    found = [
        _name(draft.name),
        _command(draft.command) if needs_command or draft.command else None,
        _cores(draft.cores_per_slot, offer),
        _slots(draft.slots, offer),
        _walltime(draft.walltime_hours, offer),
        _env(draft.env_vars),
    ]
    return [problem for problem in found if problem is not None]


def walltime_of(draft: JobDraft, offer: Offer) -> timedelta:
    """Return the walltime of a draft without problems."""
    return timedelta(hours=offer.max_hours if draft.walltime_hours is None else draft.walltime_hours)


def is_env_name(name: str) -> bool:
    """Whether this is a valid name of an environment variable."""
    return _ENV_NAME.match(name) is not None


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


def _command(command: object) -> Refused | None:
    if not isinstance(command, str) or not command.strip():
        return Refused(JobRefusal.COMMAND_MISSING, "Say which command to run.", field="command")
    size = len(command.encode("utf-8", "surrogatepass"))
    if size > MAX_COMMAND_BYTES:
        return Refused(
            JobRefusal.COMMAND_TOO_LONG,
            f"The command has {size // 1024} kB; at most {MAX_COMMAND_BYTES // 1024} kB are allowed. "
            "Upload a script as an input file and call it instead.",
            field="command",
        )
    if any((ord(c) < 32 and c not in "\t\n\r") or 0xD800 <= ord(c) <= 0xDFFF for c in command):
        return Refused(
            JobRefusal.COMMAND_CONTROL_CHARACTERS,
            "The command has control characters (such as NUL). Remove them; line breaks and tabs may stay.",
            field="command",
        )
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


def _env(env_vars: object) -> Refused | None:
    refused = Refused(
        JobRefusal.ENV_VARS_INVALID,
        f"Environment variables are at most {MAX_ENV_VARS} pairs of a name (letters, digits, _) and a text "
        "without NUL.",
        field="envVars",
    )
    if not isinstance(env_vars, Mapping) or len(env_vars) > MAX_ENV_VARS:
        return refused
    for name, value in env_vars.items():
        if not isinstance(name, str) or not is_env_name(name):
            return refused
        if not isinstance(value, str) or "\0" in value or len(value) > 32768:
            return refused
    return None

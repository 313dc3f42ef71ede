"""Check one analysis of a draft: its command, its variables, what runs before and after. Pure: no I/O, no Django."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.refusals import Refused
from jobs.submission.refusal_reasons import JobRefusal
from jobs.submission.texts import control_characters, is_env_name

MAX_COMMAND_BYTES = 256 * 1024
MAX_ENV_VARS = 200
MAX_LICENCE_CHARACTERS = 64 * 1024


@dataclass(frozen=True)
class JobAnalysisDraft:
    """One analysis of a job as the user asks for it. `analysis_version` None means the default version.

    `license_settings` are kept and returned; no licence is sold here, so they have no effect.
    """

    command: str = ""
    analysis_code: str = "user_included"
    analysis_version: str | None = None
    env_vars: Mapping[str, str] = field(default_factory=dict)
    use_mpi: bool = False
    pre_process_command: str = ""
    post_process_command: str = ""
    license_settings: Mapping[str, Any] = field(default_factory=dict)


def find_analysis_problems(draft: JobAnalysisDraft, *, needs_command: bool = True) -> list[Refused]:
    """Return every problem of the analysis, each with its field."""
    found = [
        _command(draft.command, "command") if needs_command or draft.command else None,
        _command(draft.pre_process_command, "preProcessScriptCommand") if draft.pre_process_command else None,
        _command(draft.post_process_command, "postProcessScriptCommand")
        if draft.post_process_command
        else None,
        _env(draft.env_vars),
        _licences(draft.license_settings),
    ]
    return [problem for problem in found if problem is not None]


def _command(command: object, where: str) -> Refused | None:
    if not isinstance(command, str) or not command.strip():
        return Refused(JobRefusal.COMMAND_MISSING, "Say which command to run.", field=where)
    size = len(command.encode("utf-8", "surrogatepass"))
    if size > MAX_COMMAND_BYTES:
        return Refused(
            JobRefusal.COMMAND_TOO_LONG,
            f"The command has {size // 1024} kB; at most {MAX_COMMAND_BYTES // 1024} kB are allowed. "
            "Upload a script as an input file and call it instead.",
            field=where,
        )
    if control_characters(command):
        return Refused(
            JobRefusal.COMMAND_CONTROL_CHARACTERS,
            "The command has control characters (such as NUL). Remove them; line breaks and tabs may stay.",
            field=where,
        )
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


def _licences(settings: Mapping[str, Any]) -> Refused | None:
    try:
        text = json.dumps(settings, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:  # an infinite number, or half of a surrogate pair
        text = ""
    if 0 < len(text) <= MAX_LICENCE_CHARACTERS and "\\u0000" not in text:
        return None
    return Refused(
        JobRefusal.LICENCES_INVALID,
        f"What is said of licences has at most {MAX_LICENCE_CHARACTERS // 1024} kB of JSON without NUL.",
        field="userDefinedLicenseSettings",
    )

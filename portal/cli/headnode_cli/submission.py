"""Submit what a person named: a command, a script, or a cluster definition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import inputs, job_refs, job_request, script_options
from .errors import CLIError, WrongUsage
from .job_request import Wanted
from .output import note

if TYPE_CHECKING:
    from .client import Portal

MOST_SCRIPT_BYTES = 4 << 20


def submit(portal: Portal, file: Path | None, command: str | None, wanted: Wanted) -> str:
    """Submit the job. Return its id. Raises CLIError."""
    if (file is None) == (command is None):
        raise WrongUsage("Name a FILE (a script or a cluster definition), or give a --command.")
    if file is None:
        job = _create(portal, str(command), wanted, [])
    else:
        text = _text_of(file)
        if file.suffix.lower() == ".toml":
            return _launch(portal, text, wanted)
        if "\r\n" in text:
            note(f"{file.name} has Windows line ends; it is sent with the line ends of Linux.")
            text = text.replace("\r\n", "\n")
        wanted = job_request.merged(wanted, job_request.read_script_options(script_options.options_in(text)))
        wanted.name = wanted.name or file.stem
        script = {"id": inputs.upload_text(portal, file.name, text), "decompress": False}
        job = _create(portal, job_request.script_command(file.name), wanted, [script])
    portal.post(f"jobs/{job}/submit/")
    job_refs.remember(portal, job)
    return job


def _create(portal: Portal, command: str, wanted: Wanted, files: list[dict[str, Any]]) -> str:
    job_request.environment(wanted.env)  # what is written wrongly is said before anything is uploaded
    core_type = _core_type(portal, wanted.core_type)
    files = [*files, *inputs.upload_all(portal, wanted.inputs)]
    return str(portal.post("jobs/", job_request.body_of(wanted, command, core_type, files))["id"])


def _launch(portal: Portal, definition: str, wanted: Wanted) -> str:
    """Launch a cluster definition. Its input files are uploaded first: it names them by their names."""
    if wanted != Wanted(inputs=wanted.inputs):
        raise WrongUsage(
            "A cluster definition says itself which machines it wants: only --input goes with it."
        )
    inputs.upload_all(portal, wanted.inputs)
    cluster = portal.post_text("clusters/", definition, "application/toml")
    job_refs.remember(portal, str(cluster["jobId"]))
    return str(cluster["jobId"])


def _core_type(portal: Portal, code: str | None) -> dict[str, Any]:
    """Return the core type of this code; without one, the first in the catalogue."""
    known = list(portal.pages("coretypes/", isActive="true"))
    if not known:
        raise CLIError("The portal offers no core type at the moment.")
    found = next((entry for entry in known if code in (None, entry["code"])), None)
    if found is None:
        raise WrongUsage(
            f"There is no core type {code!r}. Known: {', '.join(entry['code'] for entry in known)}."
        )
    return dict(found)


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_SCRIPT_BYTES:
            raise CLIError(f"{file} is too large for a script. Give large files with --input.")
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise CLIError(f"{file} is no text. Upload it with --input, and run it with --command.") from None
    except OSError as error:
        raise CLIError(f"{file} cannot be read: {error.strerror or error}.") from None

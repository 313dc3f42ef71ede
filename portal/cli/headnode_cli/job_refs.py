"""Find the job that a person means: by its id, by its cluster's handle, or `@last`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from .errors import NotThere
from .paths import state_folder
from .private_file import write_private

if TYPE_CHECKING:
    from .client import Portal

LAST = "@last"
_ID = re.compile(r"[A-Za-z]{1,12}")
_HANDLE = re.compile(r"(?:headnode-)?([a-z][a-z0-9]*(?:-[a-z0-9]+)*-\d+)")
_FILE = "last-jobs.json"


def job_id(portal: Portal, text: str) -> str:
    """Return the id of the job that is meant. Raises NotThere."""
    if text == LAST:
        return _last(portal)
    if handle := handle_in(text):
        return str(portal.get(f"clusters/{handle}/")["jobId"])
    if _ID.fullmatch(text):
        return text
    raise NotThere(f"{text!r} is no job: use its id, its cluster's handle, or @last.")


def handle_in(text: str) -> str:
    """Return the handle in a text, also as config-ssh writes it (headnode-cluster-001); empty if it is none."""
    found = _HANDLE.fullmatch(text)
    return found.group(1) if found else ""


def path_of(portal: Portal, text: str) -> str:
    """Return the path of a job in the API, with a slash at the end."""
    return f"jobs/{quote(job_id(portal, text))}/"


def remember(portal: Portal, job: str) -> None:
    """Save which job was the last that was submitted from here."""
    known = _known()
    known[portal.url] = job
    try:
        write_private(state_folder() / _FILE, json.dumps(known) + "\n")
    except OSError:
        pass  # @last then is the newest job that the portal has


def _last(portal: Portal) -> str:
    if found := _known().get(portal.url):
        return found
    newest = next(portal.pages("jobs/", limit=1), None)
    if newest is None:
        raise NotThere("You have no job yet. Submit one: headnode submit --command hostname")
    return str(newest["id"])


def _known() -> dict[str, str]:
    try:
        found = json.loads((state_folder() / _FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(url): str(job) for url, job in found.items()} if isinstance(found, dict) else {}

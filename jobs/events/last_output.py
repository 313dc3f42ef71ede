"""The end of what a job's command printed: mostly the error, when it failed."""

import re

from jobs.events.ansi import without_escapes
from jobs.models import Job
from jobs.states import LogSource

LINES = 3
LONGEST_LINE = 300
# The portal's own lines among the newest, which are passed over: two for each analysis.
_NEWEST = 40
# What jobs/remote/program.py writes before each line, and around the lines of each command.
_STAMP = re.compile(r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\]: ")
_OWN = re.compile(r"Launching .*, Working dir: .*\.  Process output follows:|Exited with code -?\d+")


def last_lines(job: Job) -> list[str]:
    """Return the last LINES lines that the command printed, without stamps and colours, cut to LONGEST_LINE."""
    output = job.events.filter(source=LogSource.PROGRAM).exclude(message="").order_by("-sequence")
    newest = output.values_list("message", flat=True)[:_NEWEST]
    printed = [text for message in newest if (text := _printed(message))]
    return [line[:LONGEST_LINE] for line in reversed(printed[:LINES])]


def _printed(message: str) -> str:
    """Return what the command printed in a line of the Job Log; nothing for a line of the portal's own."""
    text, stamps = _STAMP.subn("", message, count=1) if _STAMP.match(message) else (message, 0)
    if stamps and _OWN.fullmatch(text):
        return ""
    return without_escapes(text).rstrip()

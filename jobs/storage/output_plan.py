"""Decide which files of a node's work directory are stored, and under which names. Reads and writes nothing.

The node belongs to its user, so nothing it says is trusted: counts, sizes and lengths are bounded, and a path is only
ever shown. What is not stored is named, with the reason.
"""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jobs.remote.command_runner import Listing, RemoteFile
from jobs.storage import file_names

MAX_FILES = 10_000
MAX_ENTRIES = 20_000
# What an index of the database takes, and what a page can show.
MAX_PATH_CHARACTERS, MAX_PATH_BYTES = 1000, 2600
SHARED_DIRECTORY = b"shared"
# What the portal sends gets its own name when all of it is there (`jobs.remote.run_folder`, `input_staging`).
_UNFINISHED = re.compile(rb"\.headnode-[0-9A-Za-z_-]+\.part")


@dataclass(frozen=True)
class OutputFile:
    """A file on the node, and the path that users know it by."""

    on_node: bytes
    relative: str
    is_escaped: bool
    size: int
    modified_at: datetime


@dataclass
class OutputPlan:
    """What is stored: the files to fetch and those that storage has already. What is not: (name, reason)."""

    fetch: list[OutputFile] = field(default_factory=list)
    current: list[OutputFile] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The bytes of the files to fetch."""
        return sum(file.size for file in self.fetch)


def plan_outputs(
    listing: Listing,
    root: bytes,
    largest: int,
    is_input: Callable[[RemoteFile, bytes], bool],
    known: Mapping[str, tuple[int, datetime | None, bool]],
) -> OutputPlan:
    """Return what to do with each entry of the listing.

    `largest`: the bytes that a job's outputs may have together. `is_input` says of a file and its path below the
    command's directory whether it is an input that has not changed. `known`: size, time and whether the path is escaped
    of the stored files, by path.
    """
    plan = OutputPlan()
    plan.skipped += [(file_names.shown_bytes(path)[:500], reason) for path, reason in listing.skipped]
    if listing.more:
        plan.skipped.append(("the rest", f"more than {MAX_ENTRIES} entries"))
    tops = {file.path.partition(b"/")[0] for file in listing.files}
    taken: set[str] = set()
    total = 0
    for file in sorted(listing.files, key=lambda file: file.path):
        inside = _below_command(file.path, tops)
        relative, is_escaped = file_names.to_text(inside)
        shown = file_names.shown(relative)[:500]
        if reason := _why_not(file.path, relative, taken):
            plan.skipped.append((shown, reason))
        elif file.target is None and is_input(file, inside):
            continue
        elif len(plan.fetch) + len(plan.current) >= MAX_FILES:
            plan.skipped.append(("the rest", f"a job keeps {MAX_FILES} files at most"))
            break
        elif total + file.size > largest:
            plan.skipped.append((shown, f"with it there would be more than {largest // 1024**3} GB"))
        else:
            taken.add(relative)
            total += file.size
            when = datetime.fromtimestamp(file.modified, UTC)
            found = OutputFile(posixpath.join(root, file.path), relative, is_escaped, file.size, when)
            is_current = known.get(relative) == (found.size, when, is_escaped)
            (plan.current if is_current else plan.fetch).append(found)
            if file.target is not None:
                plan.links.append((shown, file_names.shown_bytes(_below_command(file.target, tops))[:500]))
    return plan


def _why_not(path: bytes, relative: str, taken: set[str]) -> str:
    names = path.split(b"/")
    if any(file_names.why_no_name(name) for name in names):
        return "its name cannot be kept"
    if _UNFINISHED.fullmatch(names[-1]):
        return "it is a part of a file whose upload to the node broke off"
    if len(relative) > MAX_PATH_CHARACTERS or len(relative.encode()) > MAX_PATH_BYTES:
        return f"its path has more than {MAX_PATH_CHARACTERS} characters"
    return "another file has this path when its bytes are written as text" if relative in taken else ""


def _below_command(inside: bytes, tops: set[bytes]) -> bytes:
    """Return the path as users know it: relative to the command's directory, unless another file has that name."""
    top, _, rest = inside.partition(b"/")
    return rest if top == SHARED_DIRECTORY and rest and rest.partition(b"/")[0] not in tops else inside

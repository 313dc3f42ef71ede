"""The members of a zip of a job's files. What it will hold is known before the first byte is sent."""

from collections.abc import Iterator, Sequence

from django.conf import settings

from jobs.files.job_folder import ReadableFolder
from jobs.files.zip_stream import Member
from jobs.remote import folder_refusals
from jobs.remote.folder_paths import common_parent, is_inside
from jobs.remote.run_folder import Entry

MAX_ENTRIES = 100_000
GIGABYTE = 1024**3
MAX_NAME_BYTES = 200


def entries_of(folder: ReadableFolder, paths: Sequence[bytes]) -> list[Entry]:
    """Return what these paths name and all below them; the whole folder without paths. Raises Refused.

    A path that is inside another one counts once.
    """
    tops = [path for path in dict.fromkeys(paths) if not any(path != p and is_inside(path, p) for p in paths)]
    if b"" in tops or not tops:
        tops = [b""]
    found: list[Entry] = []
    for top in tops:
        found += folder.walk(top, MAX_ENTRIES - len(found))
    total = sum(entry.size or 0 for entry in found)
    if total > settings.HEADNODE_MAX_OUTPUT_GB * GIGABYTE:
        raise folder_refusals.too_much(f"{settings.HEADNODE_MAX_OUTPUT_GB} GB in one zip")
    return [entry for entry in found if entry.path and entry.kind in ("file", "folder")]


def members_of(folder: ReadableFolder, paths: Sequence[bytes], entries: Sequence[Entry]) -> Iterator[Member]:
    """Yield what is to be in the zip, with names below the folder that the chosen paths have in common."""
    parent = common_parent(list(paths))
    prefix = parent + b"/" if parent else b""
    for entry in entries:
        content = None if entry.kind == "folder" else _content(folder, entry)
        yield Member(entry.path.removeprefix(prefix), entry.size or 0, entry.modified, content)


def name_of(paths: Sequence[bytes], job_name: str) -> bytes:
    """Return the name of the zip: that of the one file or folder in it, else the job's."""
    only = paths[0].rpartition(b"/")[2] if len(paths) == 1 else b""
    name = only or job_name.encode().replace(b"/", b"_") or b"files"
    end = MAX_NAME_BYTES
    while len(name) > end > MAX_NAME_BYTES - 3 and name[end] & 0xC0 == 0x80:
        end -= 1  # not in the middle of a character
    return name[:end] + b".zip"


def _content(folder: ReadableFolder, entry: Entry) -> Iterator[bytes]:
    with folder.opened(entry.path) as content:
        # Not more than was announced: a file may grow all the time.
        yield from content.read(0, min(content.size, entry.size or 0))

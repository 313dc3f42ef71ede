"""Leave out the output files that a job did not ask to keep. Pure but for the listing's type."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from jobs.remote.command_runner import Listing, RemoteFile
from jobs.storage import file_names

# Always kept: without them nobody could tell what a job did.
ALWAYS = ("process_output.log",)


def filtered(listing: Listing, filters: Sequence[str]) -> tuple[Listing, int]:
    """Return the listing with the files that match a pattern, and how many were left out.

    A pattern matches the whole path below the command's directory, or the name alone. No patterns keep everything.
    """
    if not filters:
        return listing, 0
    kept = [file for file in listing.files if _is_kept(file, filters)]
    return replace(listing, files=kept), len(listing.files) - len(kept)


def _is_kept(file: RemoteFile, filters: Sequence[str]) -> bool:
    path, _ = file_names.to_text(file.path)
    if path in ALWAYS:
        return True
    below = path.removeprefix("shared/")
    names = {path, below, below.rpartition("/")[2]}
    return any(fnmatchcase(name, pattern.strip()) for pattern in filters for name in names)

"""Upload a large file over tus 1.0.0, so that a dropped line or an ended command costs only what was under way.

The portal remembers what has arrived: nothing is kept on this computer. A command that is run again finds the upload
that broke off by the file's name and size, and continues it; the caller compares the checksum of the whole.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from .errors import CLIError, Failed, NotThere, Refused, Unreachable

if TYPE_CHECKING:
    from .client import Portal
    from .progress import Progress

# A smaller file is sent in one request.
LARGE = 8 * 1024 * 1024
PIECE = 1024 * 1024
VERSION = {"Tus-Resumable": "1.0.0"}
# In a row, without a byte that arrived between them.
TRIES = 8
# What passes: somebody else writes, the offset moved on, the line was slow.
PASSING = ("upload_locked", "upload_offset_wrong", "upload_stalled", "too_slow", "throttled")


def upload(portal: Portal, name: str, file: IO[bytes], size: int, bar: Progress) -> Any:
    """Upload an open file of `size` bytes. Return what the portal says of it; None if it has no such uploads."""
    path = _broken_off(portal, name, size) or _begin(portal, name, size)
    if path is None:
        return None
    tries, reached = 0, -1
    while True:
        try:
            offset = int(portal.request("HEAD", path, headers=VERSION).headers["upload-offset"])
            if offset > reached:
                tries, reached = 0, offset
            bar.skip(offset - bar.done)
            if offset == size:
                break
            file.seek(offset)
            portal.send_part(path, _pieces(file, bar), {**VERSION, "Upload-Offset": str(offset)})
        except (Unreachable, Failed, Refused) as error:
            if isinstance(error, Refused) and error.reason not in PASSING:
                raise
            tries += 1
            if tries == TRIES:
                raise
            portal.wait(tries)
    file_id = portal.get(path)["fileId"]
    if not file_id:
        raise CLIError(f"{name} has arrived, and the portal has not stored it yet. Try again.")
    return portal.get(f"files/{file_id}/")


def give_up(portal: Portal, file_id: str) -> None:
    """Delete a file that became another than the one that was sent."""
    portal.delete(f"files/{file_id}/")


def _broken_off(portal: Portal, name: str, size: int) -> str | None:
    """Return the path of an upload of this name and size that can be continued."""
    try:
        rows = list(portal.pages("uploads/", limit=200))
    except NotThere:
        return None
    for row in rows:
        if row["name"] == row["relativePath"] == name and row["length"] == size and row["offset"] > 0:
            return f"uploads/{row['id']}/"
    return None


def _begin(portal: Portal, name: str, size: int) -> str | None:
    encoded = base64.b64encode(os.fsencode(name)).decode()
    headers = {**VERSION, "Upload-Length": str(size), "Upload-Metadata": f"filename {encoded}"}
    try:
        made = portal.request("POST", "uploads/", headers=headers)
    except NotThere:
        return None  # an older portal
    return "uploads/" + made.headers["location"].rstrip("/").rpartition("/")[2] + "/"


def _pieces(file: IO[bytes], bar: Progress) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece
        bar.add(len(piece))

"""Paths inside a run's folder: bytes on the node, text in the REST API. Pure.

As text, bytes that are no UTF-8 are percent-escaped in upper case. So that the text says exactly which bytes are
meant, a `%` that two upper-case hexadecimal digits follow in the name itself is written `%25`.
"""

import posixpath
import re

from accounts.refusals import Refused
from jobs.remote.folder_refusals import FolderRefusal

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4000
_ESCAPED = re.compile(rb"%([0-9A-F]{2})")
_AMBIGUOUS = re.compile("%(?=[0-9A-F]{2})")


def path_text(raw: bytes) -> str:
    """Return a path as text, from which `path_bytes` makes the same bytes."""
    text = _AMBIGUOUS.sub("%25", raw.decode("utf-8", "surrogateescape"))
    return "".join(f"%{ord(c) - 0xDC00:02X}" if "\udc80" <= c <= "\udcff" else c for c in text)


def path_bytes(text: str, field: str = "path") -> bytes:
    """Return the path that a text names, below the folder; empty for the folder itself.

    Raises Refused (`path_invalid`) for what would lead out of the folder or can be no path.
    """
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise _refused("is not valid text", field) from None
    raw = _ESCAPED.sub(lambda found: bytes((int(found[1], 16),)), encoded)
    if raw.startswith(b"/"):
        raise _refused("must not begin with a slash: it is relative to the run's folder", field)
    if len(raw) > MAX_PATH_BYTES:
        raise _refused(f"may have at most {MAX_PATH_BYTES} bytes", field)
    raw = raw.removesuffix(b"/")
    for name in raw.split(b"/") if raw else ():
        _check_name(name, field)
    return raw


def _check_name(name: bytes, field: str) -> None:
    if name in (b"", b".", b".."):
        raise _refused("must not have the parts '.' or '..' or an empty one", field)
    if b"\0" in name:
        raise _refused("must not have a NUL in it", field)
    if len(name) > MAX_NAME_BYTES:
        raise _refused(f"has a name of {len(name)} bytes; at most {MAX_NAME_BYTES} are possible", field)


def _refused(why: str, field: str) -> Refused:
    return Refused(FolderRefusal.PATH_INVALID, f"The path {why}.", field=field)


def is_inside(path: bytes, folder: bytes) -> bool:
    """Return whether a path is this folder or below it. Both are without links and '..'."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def common_parent(paths: list[bytes]) -> bytes:
    """Return the longest folder that all these paths are in; empty for the top."""
    parents = [posixpath.dirname(path) for path in paths]
    return posixpath.commonpath(parents) if parents else b""

"""Which name a file from elsewhere gets on this computer. Pure; `flavour` is `posixpath` or `ntpath`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any
from urllib.parse import unquote_to_bytes

from .errors import CLIError

_FORBIDDEN_ON_WINDOWS = re.compile(r'[<>:"|?*\x00-\x1f\\]')
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?")


def local_name(path: str, flavour: ModuleType = os.path) -> str:
    """Return a relative path for a file whose path came from a node. Raises CLIError for one that leads elsewhere."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or path.startswith("/"):
        raise CLIError(
            f"The portal named a file {path!r}, which would lead out of the folder. It was not written."
        )
    if flavour.sep == "\\":
        parts = [_windows_part(part) for part in parts]
    return str(flavour.join(*parts))


def path_on_node(file: Mapping[str, Any]) -> str:
    """Return the path of a stored file as the node had it. Bytes that are no UTF-8 are as `os.fsdecode` has them."""
    path = str(file["relativePath"])
    return unquote_to_bytes(path).decode("utf-8", "surrogateescape") if file.get("isEscaped") else path


def path_here(file: Mapping[str, Any]) -> str:
    """Return the relative path that a stored file gets on this computer. Raises CLIError."""
    # Windows has no names that are no text: there the escaped form stays.
    return local_name(str(file["relativePath"]) if os.name == "nt" else path_on_node(file))


def _windows_part(part: str) -> str:
    """Return a part of a path that Windows accepts: what it forbids becomes an underscore."""
    safe = _FORBIDDEN_ON_WINDOWS.sub("_", part)
    safe = re.sub(r"[ .]+$", lambda found: "_" * len(found.group()), safe)
    return f"_{safe}" if _DEVICES.fullmatch(safe) else safe

"""Whether the command line and the portal still understand each other. Pure."""

from __future__ import annotations

import re


def difference(own: str, portal: str) -> str:
    """Return a sentence if the two versions differ by one that matters; empty otherwise.

    From 1.0 on the first number matters, before that the second; a difference behind it does not.
    """
    mine, theirs = _numbers(own), _numbers(portal)
    if mine is None or theirs is None:
        return ""
    matters = 1 if max(mine[0], theirs[0]) >= 1 else 2
    if mine[:matters] == theirs[:matters]:
        return ""
    older = "This command line is" if mine < theirs else "The portal is"
    return f"{older} older: headnode {own}, portal {portal}. What the other has new may not work."


def _numbers(text: str) -> tuple[int, ...] | None:
    found = re.match(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else None

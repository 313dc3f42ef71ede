"""Remove control characters: what programs print is shown to people and kept in databases. Pure."""

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def without_controls(text: str) -> str:
    """Replace control characters, except tabs and line breaks."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)

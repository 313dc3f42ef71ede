"""Terminal escape sequences in the output of programs. Pure."""

import re

_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])")


def without_escapes(text: str) -> str:
    """Return the text without colours and other escape sequences."""
    return _SEQUENCE.sub("", text)

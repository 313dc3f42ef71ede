"""Parse the byte range of an HTTP request (RFC 9110, 14.1.2). Pure: no I/O, no Django."""

import re

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


class Unsatisfiable(ValueError):
    """The range lies outside the content; the answer is 416."""


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte asked for; None if everything is to be sent. Raises Unsatisfiable.

    Several ranges, other units and malformed headers are ignored, as the RFC allows.
    """
    match = _RANGE.fullmatch(header)
    if match is None or match.groups() == ("", ""):
        return None
    first_text, last_text = match.groups()
    if not first_text:  # the last N bytes
        length = min(int(last_text), size)
        if length == 0:
            raise Unsatisfiable(header)
        return size - length, size - 1
    first = int(first_text)
    last = min(int(last_text), size - 1) if last_text else size - 1
    if last_text and int(last_text) < first:
        return None
    if first >= size:
        raise Unsatisfiable(header)
    return first, last

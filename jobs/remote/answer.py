"""Parse what a program on a node printed. Pure: any bytes give a bounded JSON object or a RemoteFailed.

Start-up files of the account's shell may print before and after the answer, so that it comes between two markers, which
are random and made for each call. A node is not trusted: size and depth are bounded, and strings have nothing that a
database or a page cannot take.
"""

import json
import re
import secrets
from typing import Any

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 8
SHOWN_CHARACTERS = 2000
_DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_EXCEPTION_NAME = re.compile(r"^[A-Za-z_][\w.]*: ")
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


class RemoteFailed(Exception):
    """The program on the node failed or sent a malformed answer. `stderr` is the end of its error output."""

    def __init__(self, exit_status: int | None, stderr: bytes, why: str = "") -> None:
        self.stderr = _usable(stderr[-4 * SHOWN_CHARACTERS :].decode("utf-8", "replace"))[-SHOWN_CHARACTERS:]
        if full := _DISK_FULL.search(self.stderr):
            super().__init__(f"The node's disk is full: {full.group()}.")
            return
        reasons = [reason for reason in (why, _without_traceback(self.stderr)) if reason]
        super().__init__(f"exit status {exit_status}: {': '.join(reasons) or 'no answer'}")


def _without_traceback(stderr: str) -> str:
    """Return the error output; of a Python traceback only the message at its end."""
    before, found, traceback = stderr.strip().partition("Traceback (most recent call last)")
    if not found:
        return before
    last = traceback.rstrip().rpartition("\n")[2].strip()
    return f"{before}{_EXCEPTION_NAME.sub('', last)}"


class _Malformed(ValueError):
    """The reason why an answer is not used."""


def new_marker() -> str:
    """Return a marker for one call, which nothing that was written before it can contain."""
    return f"headnode-{secrets.token_hex(16)}:"


def parse_answer(
    stdout: bytes, marker: str, exit_status: int | None = 0, stderr: bytes = b""
) -> dict[str, Any]:
    """Return the JSON object between the first two markers. Raises RemoteFailed."""
    try:
        parts = stdout.split(marker.encode(), 2)
        if len(parts) != 3:
            raise _Malformed("no complete answer")
        value = _decode(parts[1])
        if not isinstance(value, dict) or not isinstance(value.get("state"), str):
            raise _Malformed("the answer is not an object with a state")
    except _Malformed as error:
        raise RemoteFailed(exit_status, stderr, str(error)) from None
    return value


def parse_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object that is the whole text; None if there is none."""
    try:
        value = _decode(body)
    except _Malformed:
        return None
    return value if isinstance(value, dict) else None


def _decode(body: bytes) -> object:
    """Decode JSON within the bounds. Raises _Malformed."""
    if len(body) > MAX_ANSWER_BYTES:
        raise _Malformed(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
    try:
        return _usable_value(json.loads(body, parse_constant=_no_constant), MAX_DEPTH)
    except (ValueError, RecursionError):  # a number with too many digits is a ValueError, too
        raise _Malformed("the answer is not JSON, or nested too deeply") from None


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _usable_value(value: object, levels: int) -> object:
    """Return the value with usable strings. Raises ValueError if it has more levels than that."""
    if isinstance(value, str):
        return _usable(value)
    if not isinstance(value, list | dict):
        return value
    if not levels:
        raise ValueError("nested too deeply")
    if isinstance(value, list):
        return [_usable_value(each, levels - 1) for each in value]
    return {_usable(name): _usable_value(each, levels - 1) for name, each in value.items()}


def _usable(text: str) -> str:
    """Replace lone surrogates and NUL, which neither UTF-8 nor PostgreSQL take."""
    return _UNUSABLE.sub("\ufffd", text)

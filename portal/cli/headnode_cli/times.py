"""Durations and times, as people write and read them. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from .errors import WrongUsage

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")


def seconds_of(text: str) -> int:
    """Return the seconds of `4h`, `90m`, `1d12h`. Raises WrongUsage."""
    found = _DURATION.fullmatch(text.strip().lower())
    total = sum(int(part or 0) * size for part, size in zip(found.groups(), _UNITS.values())) if found else 0
    if not total:
        raise WrongUsage(f"{text!r} is no duration. Write for example 4h, 90m or 1d12h.")
    return total


def moment_of(text: str, now: datetime) -> datetime:
    """Return the moment of `2026-04-03T12:00`, `12:00`, or `2h` (ago). Times without a zone are local.

    Raises WrongUsage.
    """
    text = text.strip()
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
        text = f"{now.astimezone():%Y-%m-%d}T{text:0>5}"
    if re.match(r"\d{4}-", text):
        return read_time(text, now)
    try:
        return now - timedelta(seconds=seconds_of(text))
    except OverflowError:
        raise WrongUsage(f"{text!r} is longer ago than there are dates.") from None


def read_time(text: str, now: datetime | None = None) -> datetime:
    """Return an ISO time with its zone; without one it is local. Raises WrongUsage."""
    # Python 3.9 reads neither a Z nor any number of decimals.
    plain = re.sub(r"(\.\d{6})\d+", r"\1", text.strip().replace("Z", "+00:00"))
    try:
        moment = datetime.fromisoformat(plain)
        if not moment.tzinfo:
            moment = moment.astimezone(None if now is None else now.astimezone().tzinfo)
        moment.astimezone(timezone.utc)  # the first and the last years of all are not everywhere
    except (ValueError, OverflowError):
        raise WrongUsage(f"{text!r} is no time. Write for example 2026-04-03T12:00.") from None
    return moment


def local(text: str | None) -> str:
    """Return a time of the API as local time to the minute; empty for none."""
    return f"{read_time(text).astimezone():%Y-%m-%d %H:%M}" if text else ""


def until(text: str | None, now: datetime | None = None) -> str:
    """Return how long it is until a time of the API: `2 h 5 min`; empty for none."""
    if not text:
        return ""
    left = int((read_time(text) - (now or datetime.now(timezone.utc))).total_seconds())
    if left <= 0:
        return "over"
    hours, minutes = left // 3600, left % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{left} s"

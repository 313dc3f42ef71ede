"""Durations as text for people."""

from datetime import timedelta

from django.utils.translation import ngettext


def duration_text(span: timedelta) -> str:
    """Return `42 s`, `1 min 15 s` or `2 h 5 min`. The pages' scripts write running durations the same way."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def about_text(span: timedelta) -> str:
    """Return `42 s`, `40 min`, `2 hours` or `2 h 5 min`: to the second below a minute, to the minute from there on."""
    if span < timedelta(minutes=1):
        return duration_text(span)
    minutes = round(span / timedelta(minutes=1))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}


def short_duration_text(span: timedelta) -> str:
    """Return `40 ms` or `3.2 s` below ten seconds, and like `duration_text` from there on."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else duration_text(span)

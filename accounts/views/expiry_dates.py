"""The last day of something, as a date field gives it."""

from datetime import datetime, time

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from accounts.refusals import Refused


def end_of(text: str) -> datetime | None:
    """The end of the chosen day; None when none was chosen. Raises Refused (`expiry_invalid`)."""
    if not text.strip():
        return None
    try:
        day = parse_date(text.strip())
        if day is not None:
            return timezone.make_aware(datetime.combine(day, time.max.replace(microsecond=0)))
    except (ValueError, OverflowError):
        pass
    raise Refused("expiry_invalid", _("Write the last day as year-month-day."), field="expires_at")

"""Parse the expiry dates of forms."""

from datetime import datetime, time

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused


def end_of_day(text: str) -> datetime | None:
    """Return the end of the chosen day (UTC); None if no day was chosen. Raises Refused (`expiry_invalid`)."""
    if not text.strip():
        return None
    try:
        day = parse_date(text.strip())
        if day is not None:
            return timezone.make_aware(datetime.combine(day, time.max.replace(microsecond=0)))
    except (ValueError, OverflowError):
        pass
    raise Refused(
        RefusalReason.EXPIRY_INVALID, _("Write the expiry date as year-month-day."), field="expires_at"
    )

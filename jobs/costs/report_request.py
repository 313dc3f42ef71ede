"""Read what report is asked for: the time, the grouping, whose. The page and the API use the same words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from accounts.models import User
from accounts.refusals import Refused
from accounts.users.administrators import is_administrator
from jobs.costs.money import CURRENCY_RULE, is_currency
from jobs.costs.price_history import portal_currency
from jobs.costs.refusal_reasons import CostRefusal
from jobs.costs.reports import GroupBy, Report, usage_report

LONGEST_DAYS = 366 * 5


@dataclass(frozen=True)
class ReportRequest:
    """A report that the asking person may see. `person` is None for everyone."""

    group_by: GroupBy
    first_day: date
    last_day: date
    currency: str
    person: User | None

    def report(self) -> Report:
        """Return the report."""
        return usage_report(self.group_by, self.first_day, self.last_day, self.currency, self.person)

    def grouped_by(self, group_by: GroupBy) -> Report:
        """Return the same time and people in other rows."""
        return usage_report(group_by, self.first_day, self.last_day, self.currency, self.person)


def read_request(asking: User, values: Mapping[str, str]) -> ReportRequest:
    """Return the request in `from`, `to`, `groupBy`, `currency`, `person` and `everyone`; by default, this month's own.

    Raises Refused (`period_invalid`, `currency_invalid`, `person_unknown`, `not_administrator`).
    """
    today = timezone.now().date()
    last_day = _day(values.get("to", ""), "to") or today
    first_day = _day(values.get("from", ""), "from") or last_day.replace(day=1)
    if first_day > last_day or (last_day - first_day).days > LONGEST_DAYS:
        text = f"`from` must not be after `to`, and at most {LONGEST_DAYS} days before it."
        raise Refused(CostRefusal.PERIOD_INVALID, text, field="from")
    return ReportRequest(
        _group_by(values.get("groupBy") or GroupBy.DAY),
        first_day,
        last_day,
        _currency(values.get("currency", "")),
        _person(asking, values),
    )


def _day(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        found = parse_date(text) or parse_datetime(text.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None:
        raise Refused(CostRefusal.PERIOD_INVALID, f"`{name}` must be a day, such as 2026-01-31.", field=name)
    return found.date() if isinstance(found, datetime) else found


def _currency(text: str) -> str:
    if text and not is_currency(text):
        raise Refused(CostRefusal.CURRENCY_INVALID, CURRENCY_RULE, field="currency")
    return text or portal_currency()


def _group_by(text: str) -> GroupBy:
    try:
        return GroupBy(text)
    except ValueError:
        choices = ", ".join(GroupBy)
        raise Refused(
            CostRefusal.PERIOD_INVALID, f"`groupBy` must be one of: {choices}.", field="groupBy"
        ) from None


def _person(asking: User, values: Mapping[str, str]) -> User | None:
    name, everyone = values.get("person", ""), values.get("everyone", "") in ("1", "true")
    if name in ("", asking.get_username(), str(asking.pk)) and not everyone:
        return asking
    if not is_administrator(asking):
        raise Refused("not_administrator", "Only an administrator can see what others used.", status=403)
    if everyone:
        return None
    found = User.objects.filter(username=name).first() if name.isprintable() else None
    if found is None and name.isascii() and name.isdigit() and len(name) < 19:
        found = User.objects.filter(pk=name).first()
    if found is None:
        raise Refused(CostRefusal.PERSON_UNKNOWN, "There is no such person.", field="person")
    return found

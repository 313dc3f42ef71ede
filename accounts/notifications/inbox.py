"""The inbox: what a person was told on the page, and what of it they have read."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Notification, User

# The badge on every page counts no further.
COUNTED_UP_TO = 99


def inbox_of(person: User) -> QuerySet[Notification]:
    """Return what the person sees in the inbox, newest first."""
    return Notification.objects.filter(person=person, on_page=True).order_by("-id")


def unread_of(person: User) -> QuerySet[Notification]:
    """Return what the person has not read, newest first."""
    return inbox_of(person).filter(read_at=None)


def unread_count(person: User) -> int:
    """Return how many are unread; COUNTED_UP_TO + 1 stands for any more."""
    return unread_of(person).order_by()[: COUNTED_UP_TO + 1].count()


def mark_read(rows: Iterable[Notification], is_read: bool = True) -> None:
    """Note that these were read, or not after all. Idempotent."""
    ids = [row.pk for row in rows]
    found = Notification.objects.filter(pk__in=ids)
    if is_read:
        found.filter(read_at=None).update(read_at=timezone.now())
    else:
        found.update(read_at=None)


def mark_all_read(person: User, up_to: int | None = None) -> int:
    """Note that the person has read all up to this row; what came later stays unread. Return how many."""
    rows = Notification.objects.filter(person=person, on_page=True, read_at=None)
    if up_to is not None:
        rows = rows.filter(pk__lte=up_to)
    return rows.update(read_at=timezone.now())

"""How each person wants to be told of each kind: read and change their choices."""

from collections.abc import Mapping

from django.db import transaction

from accounts.models import NotificationChoice, User
from accounts.notifications.kinds import DEFAULT_CHANNELS, Channels, NotificationKind, find_kind


def channels_of(person: User, kind: NotificationKind) -> Channels:
    """Return by which ways the person is told of a kind."""
    row = NotificationChoice.objects.filter(person=person, kind=kind.value).first()
    return DEFAULT_CHANNELS[kind] if row is None else _channels(row)


def all_channels(person: User) -> dict[NotificationKind, Channels]:
    """Return the person's choice for every kind, in the order of the kinds."""
    found = dict(DEFAULT_CHANNELS)
    for row in NotificationChoice.objects.filter(person=person):
        if kind := find_kind(row.kind):
            found[kind] = _channels(row)
    return found


def choose(person: User, chosen: Mapping[NotificationKind, Channels]) -> None:
    """Save choices. Kinds that are left out keep theirs; what was told already stays as it is."""
    with transaction.atomic():
        for kind, channels in chosen.items():
            NotificationChoice.objects.update_or_create(
                person=person,
                kind=kind.value,
                defaults={"page": channels.page, "mail": channels.mail, "webhook": channels.webhook},
            )


def _channels(row: NotificationChoice) -> Channels:
    return Channels(row.page, row.mail, row.webhook)

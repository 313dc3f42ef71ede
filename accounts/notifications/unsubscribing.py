"""The link in each mail that stops mail of its kinds, without signing in (RFC 8058)."""

from collections.abc import Iterable

from django.core import signing
from django.urls import reverse

from accounts.models import User
from accounts.notifications.kinds import NotificationKind, find_kind
from accounts.notifications.mail_settings import absolute

SALT = "accounts.notifications.unsubscribe"


def unsubscribe_url(person: User, kinds: Iterable[NotificationKind]) -> str:
    """Return the address that stops mail of these kinds to this person. It is good for nothing else."""
    token = signing.dumps([person.pk, [kind.value for kind in kinds]], salt=SALT, compress=True)
    return absolute(reverse("unsubscribe", args=[token]))


def read_token(token: str) -> tuple[User, list[NotificationKind]] | None:
    """Return the person and the kinds that a token names; None if it is not one of ours. It does not expire."""
    try:
        pk, words = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    person = User.objects.filter(pk=pk).first()
    kinds = [kind for word in words if (kind := find_kind(word))]
    return (person, kinds) if person is not None and kinds else None

"""Whether saved keys and access rules grant access now: not disabled, not expired, allowed by the key policy."""

from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from accounts import cidr
from accounts.keys import key_policy
from accounts.models import AccessRule, SSHKey, User

REMIND_BEFORE = timedelta(days=7)


class Validity(StrEnum):
    """Whether a saved key or rule grants access now. Only `active` does."""

    ACTIVE = "active"
    DISABLED = "disabled"
    EXPIRED = "expired"
    NOT_ALLOWED = "not_allowed"  # by the administrator's key policy


def key_validity(key: SSHKey, now: datetime | None = None) -> Validity:
    """Return the validity of a saved key, at `now` or at the present."""
    if key.disabled_at is not None:
        return Validity.DISABLED
    if _is_past(key.expires_at, now):
        return Validity.EXPIRED
    return Validity.ACTIVE if key_policy.allows_key(key) else Validity.NOT_ALLOWED


def rule_validity(rule: AccessRule, now: datetime | None = None) -> Validity:
    """Return the validity of a saved rule, at `now` or at the present."""
    if _is_past(rule.expires_at, now):
        return Validity.EXPIRED
    return (
        Validity.ACTIVE if key_policy.allows_network(cidr.parse(rule.cidr).network) else Validity.NOT_ALLOWED
    )


def usable_keys(owner: User) -> list[SSHKey]:
    """Return the user's keys that grant access now."""
    now = timezone.now()
    return [key for key in owner.ssh_keys.all() if key_validity(key, now) is Validity.ACTIVE]


def rules_in_force(owner: User) -> list[AccessRule]:
    """Return the user's rules that apply now."""
    now = timezone.now()
    return [rule for rule in owner.access_rules.all() if rule_validity(rule, now) is Validity.ACTIVE]


def expiring_keys(owner: User) -> list[SSHKey]:
    """Return the usable keys that expire within REMIND_BEFORE, the earliest first."""
    soon = timezone.now() + REMIND_BEFORE
    keys = [key for key in usable_keys(owner) if key.expires_at is not None and key.expires_at <= soon]
    return sorted(keys, key=lambda key: key.expires_at or soon)


def next_expiry(owner: User) -> datetime | None:
    """Return when the user's next key or rule expires; None if none ever does."""
    now = timezone.now()
    moments = [
        *owner.ssh_keys.filter(expires_at__gt=now, disabled_at=None).values_list("expires_at", flat=True),
        *owner.access_rules.filter(expires_at__gt=now).values_list("expires_at", flat=True),
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def _is_past(moment: datetime | None, now: datetime | None) -> bool:
    return moment is not None and moment <= (now or timezone.now())

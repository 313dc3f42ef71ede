"""The access rules of a new account on a portal that listens on loopback only: this computer may connect.

Whoever reaches such a portal sits at the computer it runs on (or has a tunnel to it), so the first step that every new
user would take is taken for them.
"""

import ipaddress

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.models import AccessRule, User

BLOCKS = ("127.0.0.1/32", "::1/128")
# In English always: rules are recognised by it.
NOTE = "This computer"


def listens_on_loopback_only() -> bool:
    """Return whether only this computer reaches the portal. A proxy in front may bring people from anywhere."""
    if settings.HEADNODE_TRUSTED_PROXIES:
        return False
    try:
        return ipaddress.ip_address(settings.HEADNODE_HOST).is_loopback
    except ValueError:
        return bool(settings.HEADNODE_HOST == "localhost")


def give_loopback_access(actor: Actor, user: User) -> None:
    """Save the rules of a new account, if the portal listens on loopback only. Call it inside a transaction."""
    if not listens_on_loopback_only():
        return
    for block in BLOCKS:
        rule = AccessRule.objects.create(owner=user, cidr=block, note=NOTE)
        after = {"cidr": block, "note": NOTE, "expires_at": None}
        record(actor, AccountsAuditAction.ACCESS_RULE_ADDED, "access_rule", rule.pk, owner=user, after=after)


def was_given(rule: AccessRule) -> bool:
    """Return whether the portal saved this rule with the account. Its owner may save the same block as their own."""
    return rule.cidr in BLOCKS and rule.note == NOTE


def explanation() -> str:
    """Return why a new account has these rules, for pages."""
    return _("This portal answers on this computer only, so your account began with this computer allowed.")

"""The administrator's key policy: which keys and access rules the portal accepts.

Checked when a key or rule is saved, and again whenever it is used: a stricter policy applies at once to what was saved
before.
"""

from django.conf import settings

from accounts import cidr
from accounts.keys.key_refusals import HOW_TO_MAKE
from accounts.keys.public_keys import PublicKey
from accounts.models import SSHKey
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused

RSA = "ssh-rsa"
# The widest blocks when Everywhere is not allowed. Two rules such as 0.0.0.0/1 and 128.0.0.0/1 are everywhere, too.
WIDEST_BITS = {4: 8, 6: 16}


def check_key(key: PublicKey) -> None:
    """Raise Refused (`key_type_not_allowed`, `rsa_below_floor`) for a key that the policy does not allow."""
    if problem := problem_of_key(key.type, key.bits):
        raise Refused(*problem, field="public_key")


def check_rule(network: cidr.Network) -> None:
    """Raise Refused (`everywhere_not_allowed`) for a block that the policy does not allow."""
    if not allows_network(network):
        raise Refused(
            RefusalReason.EVERYWHERE_NOT_ALLOWED,
            f"{network} is not allowed here: your administrator allows rules no wider than /{WIDEST_BITS[4]} for IPv4 "
            f"and /{WIDEST_BITS[6]} for IPv6. Add the addresses or networks you come from.",
            field="cidr",
        )


def problem_of_key(key_type: str, bits: int) -> tuple[RefusalReason, str] | None:
    """Return the reason and message why the policy does not allow such a key; None if it does."""
    allowed = settings.HEADNODE_KEY_TYPES
    if key_type not in allowed:
        return (
            RefusalReason.KEY_TYPE_NOT_ALLOWED,
            f"Keys of type {key_type} are not allowed here. Your administrator allows: {', '.join(allowed)}.",
        )
    least = settings.HEADNODE_RSA_MIN_BITS
    if key_type == RSA and bits < least:
        text = f"This RSA key has {bits} bits; your administrator requires {least} or more. {HOW_TO_MAKE}"
        return RefusalReason.RSA_TOO_WEAK, text
    return None


def allows_key(key: SSHKey) -> bool:
    """Return whether the policy allows a saved key."""
    return problem_of_key(key.type, key.bits) is None


def allows_network(network: cidr.Network) -> bool:
    """Return whether the policy allows a rule for this block."""
    if settings.HEADNODE_ALLOW_EVERYWHERE:
        return True
    return network.prefixlen >= WIDEST_BITS[network.version]

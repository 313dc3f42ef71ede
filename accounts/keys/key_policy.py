"""The administrator's floor: what nobody may go below, whatever they choose for themselves.

Asked when a key or rule is saved, and again for every key and rule that is to let somebody in: a floor that is raised
holds at once for what was saved before.
"""

from django.conf import settings

from accounts import cidr
from accounts.keys.key_refusals import HOW_TO_MAKE
from accounts.keys.public_keys import PublicKey
from accounts.models import SSHKey
from accounts.refusals import Refused

RSA = "ssh-rsa"
# With Everywhere forbidden, a block must be narrower than these: 0.0.0.0/1 twice is everywhere, too.
WIDEST_BITS = {4: 8, 6: 16}


def check_key(key: PublicKey) -> None:
    """Raise Refused (`key_type_not_allowed`, `rsa_below_floor`) for a key this portal does not take."""
    if problem := problem_of_key(key.type, key.bits):
        raise Refused(*problem, field="public_key")


def check_rule(network: cidr.Network) -> None:
    """Raise Refused (`everywhere_not_allowed`) for a block this portal does not take."""
    if not allows_network(network):
        raise Refused(
            "everywhere_not_allowed",
            f"{network} is not allowed here: your administrator wants rules no wider than /{WIDEST_BITS[4]} for IPv4 "
            f"and /{WIDEST_BITS[6]} for IPv6. Add the addresses or networks you come from.",
            field="cidr",
        )


def problem_of_key(key_type: str, bits: int) -> tuple[str, str] | None:
    """Why this portal does not take such a key, as a word and a sentence; None when it does."""
    allowed = settings.HEADNODE_KEY_TYPES
    if key_type not in allowed:
        return (
            "key_type_not_allowed",
            f"Keys of type {key_type} are not allowed here. Your administrator allows: {', '.join(allowed)}.",
        )
    least = settings.HEADNODE_RSA_MIN_BITS
    if key_type == RSA and bits < least:
        text = f"This RSA key has {bits} bits; your administrator wants {least} or more. {HOW_TO_MAKE}"
        return "rsa_below_floor", text
    return None


def allows_key(key: SSHKey) -> bool:
    """Whether a saved key may be used at all."""
    return problem_of_key(key.type, key.bits) is None


def allows_network(network: cidr.Network) -> bool:
    """Whether a rule may name this block."""
    if settings.HEADNODE_ALLOW_EVERYWHERE:
        return True
    return network.prefixlen >= WIDEST_BITS[network.version]

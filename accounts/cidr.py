"""Parse access rules (CIDR blocks), and check whether they allow an address. Pure: no Django, no name look-ups."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from accounts.refusals import Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EVERYWHERE = ("0.0.0.0/0", "::/0")
LONGEST_CHARACTERS = 200
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_EXAMPLES = "Write an address such as 192.0.2.7, or a block such as 192.0.2.0/24 or 2001:db8::/32."
_QUOTABLE = re.compile(r"[0-9A-Za-z.:/_\[\]-]{1,64}")
_DOTTED_NUMBERS = re.compile(r"[0-9]+(\.[0-9]+){1,7}")


class RuleRefusalReason(StrEnum):
    """Why a text is not an access rule. The message depends on the text."""

    TOO_LONG = "rule_too_long"
    EMPTY = "rule_empty"
    CONTROL_CHARACTERS = "rule_control_characters"
    SPACES = "rule_spaces"
    ZONE = "rule_zone"
    HOST_NAME = "rule_host_name"
    RANGE = "rule_range"
    PORT = "rule_port"
    ADDRESS = "rule_address"
    PREFIX = "rule_prefix"


class RuleRefused(Refused):
    """Raised for text that is not an access rule."""

    def __init__(self, reason: RuleRefusalReason, message: str) -> None:
        super().__init__(reason, message, field="cidr")


@dataclass(frozen=True)
class AccessRuleText:
    """A network that may connect. `notice` tells the user how the text was normalised; None if it was not."""

    network: Network
    notice: str | None = None

    def __str__(self) -> str:
        return str(self.network)


def parse(text: str) -> AccessRuleText:
    """Parse an access rule. Raise RuleRefused with a message for the user."""
    clean = _clean(text)
    address_text, slash, prefix_text = clean.partition("/")
    address = _address_of_rule(address_text)
    if not slash:
        return _whole_address(address)
    prefix, notice = _prefix(prefix_text, address)
    network = _network_of(address, prefix)
    if network.network_address != address:
        notice = f"{_quoted(clean)} was saved as {network}: the block that contains this address."
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        network = ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
        notice = f"{_quoted(clean)} is an IPv4 block written as IPv6; it was saved as {network}."
    return AccessRuleText(network, notice)


def parse_address(text: str) -> Address:
    """Return the address without brackets and zone, an IPv4-mapped one as IPv4. Raise ValueError for other text."""
    bare = text.strip()
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    return _unmapped(ipaddress.ip_address(bare.partition("%")[0]))


def allows(rules: Iterable[str | AccessRuleText | Network], address: str | Address) -> bool:
    """Return whether any of the rules covers the address. An invalid rule or address allows nothing."""
    try:
        known = parse_address(address) if isinstance(address, str) else _unmapped(address)
    except ValueError:
        return False
    return any(known in network for network in map(_network, rules) if network is not None)


def _network(rule: str | AccessRuleText | Network) -> Network | None:
    if isinstance(rule, AccessRuleText):
        return rule.network
    if not isinstance(rule, str):
        return rule
    try:
        return parse(rule).network
    except RuleRefused:
        return None


def _unmapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _quoted(text: str) -> str:
    """Return the text for use in a message; "This" if it is long or has unusual characters."""
    return text if _QUOTABLE.fullmatch(text) else "This"


def _clean(text: str) -> str:
    """Return the text without surrounding white space and brackets. Raise RuleRefused unless it may be one rule."""
    if len(text) > LONGEST_CHARACTERS:
        raise RuleRefused(
            RuleRefusalReason.TOO_LONG, f"This is too long for one address or block. {_EXAMPLES}"
        )
    clean = text.strip(" \t\r\n")
    if not clean:
        raise RuleRefused(RuleRefusalReason.EMPTY, f"There is no address here. {_EXAMPLES}")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in clean):
        message = f"The text contains control characters or line breaks. Add one rule at a time. {_EXAMPLES}"
        raise RuleRefused(RuleRefusalReason.CONTROL_CHARACTERS, message)
    if any(character.isspace() or character in ",;" for character in clean):
        message = (
            "A rule is one address or one block, without spaces or commas. Add several rules one by one."
        )
        raise RuleRefused(RuleRefusalReason.SPACES, message)
    if "%" in clean:
        message = (
            "Leave out the zone (the part from % on): a rule applies to an address, not to an interface."
        )
        raise RuleRefused(RuleRefusalReason.ZONE, message)
    if "://" in clean:
        raise RuleRefused(RuleRefusalReason.HOST_NAME, f"This is a web address. {_EXAMPLES}")
    if clean.startswith("[") and "]" in clean:
        inside, _, after = clean[1:].partition("]")
        clean = inside + after
    return clean


def _address_of_rule(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise _refusal_for_address(text) from None


def _network_of(address: Address, prefix: int) -> Network:
    """Return the block of this prefix length that contains the address."""
    return ipaddress.ip_network((address, prefix), strict=False)


def _refusal_for_address(text: str) -> RuleRefused:
    """Return the refusal for text that is not an address."""
    quoted = _quoted(text)
    if not text:
        return RuleRefused(RuleRefusalReason.EMPTY, f"There is no address before the slash. {_EXAMPLES}")
    if re.fullmatch(r"[0-9.]+-[0-9.]+", text):
        message = f"{quoted} is a range. Write it as one or more blocks, such as 192.0.2.0/24."
        return RuleRefused(RuleRefusalReason.RANGE, message)
    if "*" in text:
        message = "A rule cannot contain *. For 10.0.*.* write 10.0.0.0/16."
        return RuleRefused(RuleRefusalReason.RANGE, message)
    if re.fullmatch(r"[0-9.]+:[0-9]+", text):
        return RuleRefused(
            RuleRefusalReason.PORT, f"{quoted} has a port. Leave it out; a rule applies to every port."
        )
    if _DOTTED_NUMBERS.fullmatch(text):
        if any(len(number) > 1 and number.startswith("0") for number in text.split(".")):
            message = f"{quoted} has a number with a zero in front. Write it without, as in 10.0.0.1."
            return RuleRefused(RuleRefusalReason.ADDRESS, message)
        message = f"{quoted} is not an IPv4 address: it has four numbers from 0 to 255, such as 192.0.2.7."
        return RuleRefused(RuleRefusalReason.ADDRESS, message)
    if ":" in text:
        return RuleRefused(
            RuleRefusalReason.ADDRESS, f"{quoted} is not an IPv6 address. An example: 2001:db8::1."
        )
    if re.fullmatch(r"(?=.*[A-Za-z_])[\w.-]+", text):
        message = f"{quoted} is a name. A rule needs an address, because names can change where they point."
        return RuleRefused(RuleRefusalReason.HOST_NAME, f"{message} {_EXAMPLES}")
    return RuleRefused(RuleRefusalReason.ADDRESS, f"{quoted} is not an address. {_EXAMPLES}")


def _whole_address(address: Address) -> AccessRuleText:
    if int(address) == 0:
        anywhere = EVERYWHERE[0] if address.version == 4 else EVERYWHERE[1]
        notice = f"{address} alone is not the address of any computer. For everywhere, write {anywhere}."
        return AccessRuleText(ipaddress.ip_network(address), notice)
    plain = _unmapped(address)
    if plain == address:
        return AccessRuleText(ipaddress.ip_network(address))
    notice = f"{address} is an IPv4 address written as IPv6; it was saved as {plain}/32."
    return AccessRuleText(ipaddress.ip_network(plain), notice)


def _prefix(text: str, address: Address) -> tuple[int, str | None]:
    """Return the prefix length after the slash, and a notice if it was written as a netmask."""
    most = address.max_prefixlen
    family = f"IPv{address.version}"
    if address.version == 4 and "." in text:
        return _bits_of_netmask(text), f"The netmask {_quoted(text)} was saved in the short form."
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or int(text) > most:
        message = (
            f"{_quoted('/' + text)} is not possible: after the slash of an {family} block comes 0 to {most}."
        )
        raise RuleRefused(RuleRefusalReason.PREFIX, message)
    return int(text), None


def _bits_of_netmask(text: str) -> int:
    """Return the prefix length of a netmask. Raise RuleRefused unless its ones are all at the start."""
    try:
        mask = int(ipaddress.IPv4Address(text))
    except ValueError:
        mask = -1
    inverted = mask ^ 0xFFFFFFFF
    if mask < 0 or inverted & (inverted + 1):
        message = f"{_quoted(text)} is not a netmask. Write the block as 10.0.0.0/8 or 10.0.0.0/255.0.0.0."
        raise RuleRefused(RuleRefusalReason.PREFIX, message)
    return 32 - inverted.bit_length()

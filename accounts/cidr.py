"""Access rules as text: reads a CIDR block or says what is wrong with it; answers if an address is allowed.

Pure: no Django, no name look-ups.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.refusals import Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EVERYWHERE = ("0.0.0.0/0", "::/0")
LONGEST_CHARACTERS = 200
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_EXAMPLES = "Write an address such as 192.0.2.7, or a block such as 192.0.2.0/24 or 2001:db8::/32."
_SAYABLE = re.compile(r"[0-9A-Za-z.:/_\[\]-]{1,64}")
_DOTTED_NUMBERS = re.compile(r"[0-9]+(\.[0-9]+){1,7}")


class RuleRefused(Refused):
    """A text that is not an access rule."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message, field="cidr")


@dataclass(frozen=True)
class Rule:
    """A network that may connect. `notice` says in a sentence if the text was changed to get it."""

    network: Network
    notice: str | None = None

    def __str__(self) -> str:
        return str(self.network)


def parse(text: str) -> Rule:
    """Return the rule that the text says; raise RuleRefused, with a sentence, if it says none."""
    clean = _clean(text)
    address_text, slash, prefix_text = clean.partition("/")
    address = _address_of_rule(address_text)
    if not slash:
        return _whole_address(address)
    prefix, notice = _prefix(prefix_text, address)
    network = _network_of(address, prefix)
    if network.network_address != address:
        notice = f"{_say(clean)} was saved as {network}: the block that this address lies in."
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        network = ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
        notice = f"{_say(clean)} is an IPv4 block written as IPv6; it was saved as {network}."
    return Rule(network, notice)


def parse_address(text: str) -> Address:
    """Return the address, an IPv4-mapped one as IPv4, brackets and zone left out; else ValueError."""
    bare = text.strip()
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    return _unmapped(ipaddress.ip_address(bare.partition("%")[0]))


def allows(rules: Iterable[str | Rule | Network], address: str | Address) -> bool:
    """Return whether any of the rules covers the address. What cannot be read allows nothing."""
    try:
        known = parse_address(address) if isinstance(address, str) else _unmapped(address)
    except ValueError:
        return False
    return any(known in network for network in map(_network, rules) if network is not None)


def _network(rule: str | Rule | Network) -> Network | None:
    if isinstance(rule, Rule):
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


def _say(text: str) -> str:
    """Return the text for use in a sentence, or a stand-in when it is long or odd."""
    return text if _SAYABLE.fullmatch(text) else "This"


def _clean(text: str) -> str:
    """Return the text without white space around; refuse what cannot be a single rule."""
    if len(text) > LONGEST_CHARACTERS:
        raise RuleRefused("rule_too_long", f"This is too long for one address or block. {_EXAMPLES}")
    clean = text.strip(" \t\r\n")
    if not clean:
        raise RuleRefused("rule_empty", f"There is no address here. {_EXAMPLES}")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in clean):
        message = f"The text holds control characters or line breaks. Add one rule at a time. {_EXAMPLES}"
        raise RuleRefused("rule_control_characters", message)
    if any(character.isspace() or character in ",;" for character in clean):
        message = (
            "A rule is one address or one block, without spaces or commas. Add several rules one by one."
        )
        raise RuleRefused("rule_spaces", message)
    if "%" in clean:
        message = (
            "Leave out the zone (the part from % on): a rule holds for the address, not for an interface."
        )
        raise RuleRefused("rule_zone", message)
    if "://" in clean:
        raise RuleRefused("rule_host_name", f"This is a web address. {_EXAMPLES}")
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
    """Return the block of this length that the address lies in."""
    return ipaddress.ip_network((address, prefix), strict=False)


def _refusal_for_address(text: str) -> RuleRefused:
    """Say what is wrong with a text that is no address."""
    said = _say(text)
    if not text:
        return RuleRefused("rule_empty", f"There is no address before the slash. {_EXAMPLES}")
    if re.fullmatch(r"[0-9.]+-[0-9.]+", text):
        message = f"{said} is a range. Write it as one or more blocks, such as 192.0.2.0/24."
        return RuleRefused("rule_range", message)
    if "*" in text:
        message = "A rule has no stars. For 10.0.*.* write 10.0.0.0/16."
        return RuleRefused("rule_range", message)
    if re.fullmatch(r"[0-9.]+:[0-9]+", text):
        return RuleRefused("rule_port", f"{said} has a port. Leave it out; a rule holds for every port.")
    if _DOTTED_NUMBERS.fullmatch(text):
        if any(len(number) > 1 and number.startswith("0") for number in text.split(".")):
            message = f"{said} has a number with a zero in front. Write it without, as in 10.0.0.1."
            return RuleRefused("rule_address", message)
        message = f"{said} is not an IPv4 address: it has four numbers from 0 to 255, such as 192.0.2.7."
        return RuleRefused("rule_address", message)
    if ":" in text:
        return RuleRefused("rule_address", f"{said} is not an IPv6 address. An example: 2001:db8::1.")
    if re.fullmatch(r"(?=.*[A-Za-z_])[\w.-]+", text):
        message = f"{said} is a name. A rule needs an address, because names can change where they point."
        return RuleRefused("rule_host_name", f"{message} {_EXAMPLES}")
    return RuleRefused("rule_address", f"{said} is not an address. {_EXAMPLES}")


def _whole_address(address: Address) -> Rule:
    if int(address) == 0:
        anywhere = EVERYWHERE[0] if address.version == 4 else EVERYWHERE[1]
        notice = f"{address} alone is an address nobody has. For everywhere, write {anywhere}."
        return Rule(ipaddress.ip_network(address), notice)
    plain = _unmapped(address)
    if plain == address:
        return Rule(ipaddress.ip_network(address))
    notice = f"{address} is an IPv4 address written as IPv6; it was saved as {plain}/32."
    return Rule(ipaddress.ip_network(plain), notice)


def _prefix(text: str, address: Address) -> tuple[int, str | None]:
    """Return the number of bits after the slash, and a notice if it was written as a netmask."""
    longest = address.max_prefixlen
    family = f"IPv{address.version}"
    if address.version == 4 and "." in text:
        return _bits_of_netmask(text), f"The netmask {_say(text)} was saved in the short form."
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or int(text) > longest:
        message = (
            f"{_say('/' + text)} is not possible: after the slash of an {family} block comes 0 to {longest}."
        )
        raise RuleRefused("rule_prefix", message)
    return int(text), None


def _bits_of_netmask(text: str) -> int:
    """Return how many one bits the netmask starts with; they have to be followed by zero bits only."""
    try:
        mask = int(ipaddress.IPv4Address(text))
    except ValueError:
        mask = -1
    inverted = mask ^ 0xFFFFFFFF
    if mask < 0 or inverted & (inverted + 1):
        message = f"{_say(text)} is not a netmask. Write the block as 10.0.0.0/8 or 10.0.0.0/255.0.0.0."
        raise RuleRefused("rule_prefix", message)
    return 32 - inverted.bit_length()

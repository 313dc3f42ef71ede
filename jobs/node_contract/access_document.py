"""The access document: which keys, authorities and source addresses may log in to a cluster's nodes.

The portal pushes it whenever it changes; a node applies it to new and to live connections. A source address decides
first (`Reach`, here), then the key or certificate (checked by the node's SSH server).
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Any

from jobs.node_contract.documents import InvalidDocument, read_single_lines, require_number, require_object

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_WITHDRAWN, LONGEST_REASON = 4096, 40


class Withdrawal(StrEnum):
    """Why a saved key no longer grants access."""

    DISABLED = "disabled"
    EXPIRED = "expired"
    NOT_ALLOWED = "not_allowed"


_WITHDRAWAL_TEXTS = {
    Withdrawal.DISABLED: "was disabled",
    Withdrawal.EXPIRED: "has expired",
    Withdrawal.NOT_ALLOWED: "is of a kind that your administrator no longer allows",
}


SSH_ACCESS_OFF = "SSH access to this cluster is switched off in its owner's Job Settings"


class Reach(Enum):
    """How far a source address gets."""

    FULL = "full"  # an access rule allows it: every kind of key
    GATEWAY = "gateway"  # only the portal's gateway: only certificates of a user authority
    NONE = "none"  # no rule allows it: disconnected before authentication


@dataclass(frozen=True)
class AccessDocument:
    """Who may log in: public keys, rules on the source address, user certificate authorities, gateways."""

    authorized_keys: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    user_authorities: tuple[str, ...] = ()
    gateway_addresses: tuple[str, ...] = ()
    # Why a key no longer grants access, by fingerprint; shown to the sessions that end.
    withdrawn: tuple[tuple[str, str], ...] = ()
    # The owner switched SSH access off: there are no rules then, and who is refused is told so.
    ssh_access_off: bool = False
    # Of two documents the one with the higher number is newer.
    version: int = 0

    def after(self, in_force: "AccessDocument") -> "AccessDocument":
        """Return what holds once this document arrives where `in_force` held.

        A lower version came late and changes nothing. Of two documents with one version nobody can tell which is
        newer, so only the keys and rules of both hold. Version 0 is for documents that are not numbered.
        """
        if self.version < in_force.version:
            return in_force
        if self.version > in_force.version or self.version == 0:
            return self
        return replace(
            self,
            authorized_keys=tuple(key for key in self.authorized_keys if key in in_force.authorized_keys),
            rules=tuple(rule for rule in self.rules if rule in in_force.rules),
            ssh_access_off=self.ssh_access_off or in_force.ssh_access_off,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the document that `read_access_document` reads."""
        return {
            "authorized_keys": list(self.authorized_keys),
            "rules": list(self.rules),
            "user_authorities": list(self.user_authorities),
            "gateway_addresses": list(self.gateway_addresses),
            "withdrawn": dict(self.withdrawn),
            "ssh_access_off": self.ssh_access_off,
            "version": self.version,
        }


@dataclass(frozen=True)
class SourceRules:
    """The document's rules and gateways as networks, ready to be matched."""

    rules: tuple[Network, ...] = ()
    gateways: tuple[Network, ...] = ()
    ssh_access_off: bool = False

    @classmethod
    def from_document(cls, document: AccessDocument) -> "SourceRules":
        """Compile the rules of a checked document."""
        return cls(
            tuple(read_network(rule) for rule in document.rules),
            tuple(read_network(address) for address in document.gateway_addresses),
            document.ssh_access_off,
        )

    def refusal(self, address: str) -> str:
        """Return the sentence for someone whose address gets nowhere: what keeps them out, and how to change it."""
        return SSH_ACCESS_OFF if self.ssh_access_off else address_refusal(address)

    def reach(self, address: str) -> Reach:
        """Return how far a source address gets."""
        if _is_within(address, self.rules):
            return Reach.FULL
        return Reach.GATEWAY if _is_within(address, self.gateways) else Reach.NONE


def read_access_document(value: Any) -> AccessDocument:
    """Read a document. Raises InvalidDocument; a rule that is not a network is refused, never ignored."""
    document = require_object(value, "access")
    access = AccessDocument(
        read_single_lines(document, "authorized_keys"),
        read_single_lines(document, "rules", 64),
        read_single_lines(document, "user_authorities"),
        read_single_lines(document, "gateway_addresses", 64),
        _read_withdrawn(document),
        _read_ssh_access_off(document),
        int(require_number({"version": 0, **document}, "version", 0, 1 << 62)),
    )
    for rule in access.rules:
        read_network(rule)
    for address in access.gateway_addresses:
        read_network(address, "gateway_addresses")
    return access


def _read_withdrawn(document: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    value = require_object(document.get("withdrawn", {}), "withdrawn", MAX_WITHDRAWN)
    if not all(isinstance(reason, str) and len(reason) <= LONGEST_REASON for reason in value.values()):
        raise InvalidDocument(
            "invalid_withdrawn", "'withdrawn' must give one short word for each fingerprint."
        )
    return tuple((str(fingerprint)[:100], reason) for fingerprint, reason in value.items())


def _read_ssh_access_off(document: Mapping[str, Any]) -> bool:
    value = document.get("ssh_access_off", False)
    if not isinstance(value, bool):
        raise InvalidDocument("invalid_ssh_access_off", "'ssh_access_off' must be true or false.")
    return value


def read_network(text: str, field: str = "rules") -> Network:
    """Return a rule as a network; host bits are ignored, as in `sshd`'s own matching. Raises InvalidDocument."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InvalidDocument(
            "invalid_" + field, f"{text!r} is not an address or a network such as 192.0.2.0/24."
        ) from None


def normalized_address(address: str) -> str:
    """Return an address without a zone; an IPv4 address that came through IPv6 as IPv4."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def address_refusal(address: str) -> str:
    """Return the sentence for someone whose address no rule allows."""
    return f"Your address {normalized_address(address)} is in no access rule of this cluster"


def key_refusal(fingerprint: str, reason: str) -> str:
    """Return the sentence for a session whose key no longer grants access. `reason` is one of `Withdrawal` or empty."""
    known = reason in set(Withdrawal)
    text = _WITHDRAWAL_TEXTS[Withdrawal(reason)] if known else "was removed from this cluster"
    return f"Your key {fingerprint} {text}"


def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    parsed = ipaddress.ip_address(normalized_address(address))
    return any(parsed.version == network.version and parsed in network for network in networks)

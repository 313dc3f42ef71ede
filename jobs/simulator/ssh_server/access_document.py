"""Who may log in to a node, and how: by source address first, then by key. Pure; asks nobody, keeps nothing.

`Door.FULL`     an access rule holds (or the connection comes from a peer in the cluster): every kind of key.
`Door.GATEWAY`  only the portal's gateway: only a certificate of a user authority.
`Door.CLOSED`   nobody we know: disconnected before authentication.
"""

import enum
import functools
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncssh

from jobs.simulator.spec import Access, Network, network

WITHDRAWN = {
    "disabled": "was disabled",
    "expired": "has expired",
    "not_allowed": "is of a kind that your administrator no longer allows",
}
MOST_HOME_LINES, HOMES_REMEMBERED = 100, 64


class Door(enum.Enum):
    """How far a source address gets."""

    FULL = "full"
    GATEWAY = "gateway"
    CLOSED = "closed"


@dataclass(frozen=True)
class Login:
    """What a connection proved: a public key (its blob), or a certificate by an authority (the authority's blob)."""

    kind: str
    blob: bytes
    fingerprint: str


def plain(address: str) -> str:
    """An IPv4 address that came in through IPv6, as IPv4; without a zone."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    parsed = ipaddress.ip_address(plain(address))
    return any(parsed.version == known.version and parsed in known for known in networks)


def blobs(lines: tuple[str, ...]) -> frozenset[bytes]:
    """The keys of plain lines; one that cannot be read opens nothing."""
    found = set()
    for line in lines:
        try:
            found.add(asyncssh.import_public_key(line).public_data)
        except (asyncssh.KeyImportError, ValueError):
            continue
    return frozenset(found)


@dataclass(frozen=True)
class Admission:
    """A cluster's access document, made ready to be asked."""

    keys: frozenset[bytes]
    authorities: frozenset[bytes]
    rules: tuple[Network, ...]
    gateways: tuple[Network, ...]
    withdrawn: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, access: Access) -> "Admission":
        """Compile a document that `read_access` has checked."""
        return cls(
            blobs(access.authorized_keys),
            blobs(access.user_authorities),
            tuple(network(rule) for rule in access.rules),
            tuple(network(address) for address in access.gateway_addresses),
            dict(access.withdrawn),
        )

    def door(self, address: str) -> Door:
        """How far this source address gets."""
        if _within(address, self.rules):
            return Door.FULL
        return Door.GATEWAY if _within(address, self.gateways) else Door.CLOSED

    def still(self, login: Login, address: str, home_keys: "HomeKeys") -> str:
        """Why a live connection no longer qualifies; an empty text while it does."""
        door = self.door(address)
        if door is Door.CLOSED:
            return refusal(address)
        if login.kind == "certificate":
            if login.blob in self.authorities or (door is Door.FULL and home_keys.vouches(login.blob)):
                return ""
            return "The authority that signed your certificate was withdrawn"
        if door is Door.GATEWAY:
            return refusal(address)
        if login.blob in self.keys or home_keys.knows(login.blob):
            return ""
        word = self.withdrawn.get(login.fingerprint, "")
        return f"Your key {login.fingerprint} {WITHDRAWN.get(word, 'was removed from this cluster')}"


def refusal(address: str) -> str:
    """The sentence someone outside every rule reads."""
    return f"Your address {plain(address)} is in no access rule of this cluster"


@dataclass(frozen=True)
class HomeKeys:
    """The home's own ~/.ssh/authorized_keys, with OpenSSH's options; lines that cannot be read are skipped."""

    entries: tuple[asyncssh.SSHAuthorizedKeys, ...] = ()
    known: frozenset[bytes] = field(default=frozenset())
    authorities: frozenset[bytes] = field(default=frozenset())

    @staticmethod
    @functools.lru_cache(maxsize=HOMES_REMEMBERED)
    def of(text: str) -> "HomeKeys":
        """As `read`, remembered by the text: a file is parsed when it changes, not at every attempt to log in."""
        return HomeKeys.read(text)

    @classmethod
    def read(cls, text: str) -> "HomeKeys":
        """Read a file's text; each line by itself, so that a bad one harms only itself."""
        entries: list[asyncssh.SSHAuthorizedKeys] = []
        known: set[bytes] = set()
        authorities: set[bytes] = set()
        for line in text.splitlines()[:MOST_HOME_LINES]:
            line = line.strip()
            if not line or line.startswith("#") or len(line) > 20_000:
                continue
            try:
                entry = asyncssh.import_authorized_keys(line)
            except (ValueError, asyncssh.KeyImportError):
                continue
            entries.append(entry)
            known |= {each.key.public_data for each in entry._user_entries if each.key is not None}
            authorities |= {each.key.public_data for each in entry._ca_entries if each.key is not None}
        return cls(tuple(entries), frozenset(known), frozenset(authorities))

    def knows(self, blob: bytes) -> bool:
        """Is this key in the file?"""
        return blob in self.known

    def vouches(self, blob: bytes) -> bool:
        """Is this an authority of the file (a line with `cert-authority`)?"""
        return blob in self.authorities


class KeyRing(asyncssh.SSHAuthorizedKeys):
    """What one connection may log in with. asyncssh asks `validate` for every key tried; the last one asked is the one
    that logged in, so `login` tells which when authentication has ended. The admission is asked for anew each time: a
    key removed while someone is logging in no longer counts."""

    def __init__(
        self, admission: Callable[[], Admission], door: Door, home_keys: HomeKeys, cluster_key: bytes | None
    ) -> None:
        super().__init__()
        self._admission, self._door = admission, door
        self._home_keys, self._cluster_key = home_keys, cluster_key
        self.login: Login | None = None
        self.certificate = ""

    def validate(
        self,
        key: asyncssh.SSHKey,
        client_host: str,
        client_addr: str,
        cert_principals: Any = None,
        ca: bool = False,
    ) -> Any:
        """The options this key (or, with `ca`, this authority) logs in with; None when it does not."""
        blob = key.public_data
        options = self._options(key, blob, client_host, client_addr, cert_principals, ca)
        self.login = (
            Login("certificate" if ca else "key", blob, key.get_fingerprint())
            if options is not None
            else None
        )
        return options

    def _options(
        self,
        key: asyncssh.SSHKey,
        blob: bytes,
        client_host: str,
        client_addr: str,
        cert_principals: Any,
        ca: bool,
    ) -> Any:
        if ca and blob in self._admission().authorities:
            return {}
        if self._door is not Door.FULL:
            return None
        if not ca and (blob in self._admission().keys or blob == self._cluster_key):
            return {}
        for entry in self._home_keys.entries:
            options = entry.validate(key, client_host, client_addr, cert_principals, ca)
            if options is not None:
                return options
        return None

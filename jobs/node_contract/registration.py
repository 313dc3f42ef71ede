"""The body of `register`: a node's own host keys and addresses."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.node_contract.documents import InvalidDocument

MAX_HOST_KEYS = 8
MAX_HOSTNAME = 80
BAD_REGISTRATION = "bad_registration"


@dataclass(frozen=True)
class Registration:
    """A node's identity: public host keys, where its SSH server listens, and its place in the cluster's network."""

    host_keys: tuple[str, ...]
    address: str
    port: int
    private_address: str
    hostname: str

    def as_json(self) -> dict[str, Any]:
        """Return the body that `read_registration` reads."""
        return {
            "host_keys": list(self.host_keys),
            "address": self.address,
            "port": self.port,
            "private_address": self.private_address,
            "hostname": self.hostname,
        }


def read_registration(document: Mapping[str, Any]) -> Registration:
    """Read a body. Raises InvalidDocument (`bad_registration`).

    Whether a host key is a key of an allowed kind is for the caller to check: that takes a parser of keys.
    """
    keys, port, hostname = document.get("host_keys"), document.get("port"), document.get("hostname", "")
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_HOST_KEYS:
        raise _bad("host_keys", f"Send between 1 and {MAX_HOST_KEYS} host keys.")
    if not all(isinstance(key, str) and len(key.strip().splitlines()) == 1 for key in keys):
        raise _bad("host_keys", "A host key is one line of text.")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise _bad("port", "A port is a number from 1 to 65535.")
    if not isinstance(hostname, str) or len(hostname) > MAX_HOSTNAME or not hostname.isprintable():
        raise _bad("hostname", f"A host name has at most {MAX_HOSTNAME} printable characters.")
    return Registration(
        tuple(key.strip() for key in keys),
        _read_address(document, "address"),
        port,
        _read_address(document, "private_address"),
        hostname,
    )


def _read_address(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    # After a % sign Python accepts any characters as the name of an interface, line breaks included.
    if not isinstance(value, str) or "%" in value:
        raise _bad(name, f"{name} is not an IP address.")
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise _bad(name, f"{name} is not an IP address.") from None


def _bad(field: str, message: str) -> InvalidDocument:
    return InvalidDocument(BAD_REGISTRATION, message, field)

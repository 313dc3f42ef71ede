"""Host keys: what a node proves itself with. Pure; says yes or no, never learns a key."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

# What may be negotiated for each type of pinned key, best first. No SHA-1 signatures.
SIGNATURE_ALGORITHMS: dict[str, tuple[str, ...]] = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}


@dataclass(frozen=True)
class HostKey:
    """A public host key: its type and its blob as it goes over the wire."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: SHA256 and unpadded base64."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).rstrip(b"=").decode("ascii")

    @property
    def line(self) -> str:
        """The OpenSSH line, without comment."""
        return f"{self.type} {base64.b64encode(self.blob).decode('ascii')}"


def parse(line: str) -> HostKey:
    """Read an OpenSSH public key line; ValueError with a sentence when it is none or lies about its type."""
    fields = line.split()
    if len(fields) < 2:
        raise ValueError("A host key line has a type and a key: `ssh-ed25519 AAAA...`.")
    try:
        blob = base64.b64decode(fields[1], validate=True)
    except binascii.Error:
        raise ValueError("The key part of the host key line is not base64.") from None
    name = fields[0].encode()
    if blob[: 4 + len(name)] != len(name).to_bytes(4, "big") + name:
        raise ValueError(f"The host key says it is {fields[0]}, its content is something else.")
    return HostKey(fields[0], blob)


def fingerprint(line: str) -> str:
    """The fingerprint of an OpenSSH public key line."""
    return parse(line).fingerprint


def algorithms(pinned: Iterable[HostKey]) -> tuple[str, ...]:
    """The host key algorithms to offer: those that can prove one of the pinned keys, no other."""
    types = {key.type for key in pinned}
    return tuple(name for kind, names in SIGNATURE_ALGORITHMS.items() if kind in types for name in names)


def matches(shown: bytes, pinned: Iterable[HostKey]) -> HostKey | None:
    """The pinned key that the far end has shown, compared in constant time; None when it is none of them."""
    found = None
    for key in pinned:
        if hmac.compare_digest(key.blob, shown):
            found = key
    return found

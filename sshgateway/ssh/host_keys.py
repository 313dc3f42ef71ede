"""Public host keys: parse them, print their fingerprints, compare one with the pinned ones. Pure; learns no key."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

# The signature algorithms to negotiate for each type of pinned key, best first. None uses SHA-1.
SIGNATURE_ALGORITHMS: dict[str, tuple[str, ...]] = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}


@dataclass(frozen=True)
class HostKey:
    """A public host key: its type and its blob as sent in the SSH protocol."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The fingerprint as `ssh-keygen -l` prints it: SHA256 and unpadded base64."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).rstrip(b"=").decode("ascii")

    @property
    def line(self) -> str:
        """The OpenSSH line, without a comment."""
        return f"{self.type} {base64.b64encode(self.blob).decode('ascii')}"


def parse(line: str) -> HostKey:
    """Parse an OpenSSH public key line. Raises ValueError, with a sentence, if it is malformed or of another type."""
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
    """Return the fingerprint of an OpenSSH public key line."""
    return parse(line).fingerprint


def algorithms(pinned: Iterable[HostKey]) -> tuple[str, ...]:
    """Return the host key algorithms to offer: only those that can prove one of the pinned keys."""
    types = {key.type for key in pinned}
    return tuple(name for kind, names in SIGNATURE_ALGORITHMS.items() if kind in types for name in names)


def matches(shown: bytes, pinned: Iterable[HostKey]) -> HostKey | None:
    """Return the pinned key that equals `shown`, compared in constant time; None if there is none."""
    found = None
    for key in pinned:
        if hmac.compare_digest(key.blob, shown):
            found = key
    return found

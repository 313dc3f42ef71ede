"""The access document compiled for key checks: which key or authority may log in from where. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import asyncssh

from jobs.node_contract.access_document import (
    AccessDocument,
    Reach,
    SourceRules,
    key_refusal,
)
from jobs.simulator.ssh_server.home_keys import HomeKeys

AUTHORITY_WITHDRAWN = "The authority that signed your certificate was withdrawn"


class ProofKind(StrEnum):
    """How a connection proved who it is."""

    KEY = "key"
    CERTIFICATE = "certificate"


@dataclass(frozen=True)
class Proof:
    """What a connection logged in with.

    `blob` and `fingerprint` are the public key's, or those of the authority that signed the certificate.
    """

    kind: ProofKind
    blob: bytes
    fingerprint: str
    certificate_id: str = ""


def key_blobs(lines: tuple[str, ...]) -> frozenset[bytes]:
    """Return the keys of public key lines; unreadable lines are skipped."""
    found = set()
    for line in lines:
        try:
            found.add(asyncssh.import_public_key(line).public_data)
        except (asyncssh.KeyImportError, ValueError):
            continue
    return frozenset(found)


@dataclass(frozen=True)
class AccessPolicy:
    """A cluster's access document, ready to be asked. The empty policy allows nobody."""

    keys: frozenset[bytes] = frozenset()
    authorities: frozenset[bytes] = frozenset()
    sources: SourceRules = field(default_factory=SourceRules)
    withdrawn: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: AccessDocument) -> "AccessPolicy":
        """Compile a checked document."""
        return cls(
            key_blobs(document.authorized_keys),
            key_blobs(document.user_authorities),
            SourceRules.from_document(document),
            dict(document.withdrawn),
        )

    def reach(self, address: str) -> Reach:
        """Return how far a source address gets."""
        return self.sources.reach(address)

    def why_revoked(self, proof: Proof, address: str, home_keys: HomeKeys) -> str:
        """Return why a live connection is no longer allowed; an empty text if it is."""
        reach = self.reach(address)
        if reach is Reach.NONE:
            return self.sources.refusal(address)
        if proof.kind is ProofKind.CERTIFICATE:
            trusted = proof.blob in self.authorities
            return (
                ""
                if trusted or (reach is Reach.FULL and home_keys.has_authority(proof.blob))
                else AUTHORITY_WITHDRAWN
            )
        if reach is Reach.GATEWAY:
            return self.sources.refusal(address)
        if proof.blob in self.keys or home_keys.has_key(proof.blob):
            return ""
        return key_refusal(proof.fingerprint, self.withdrawn.get(proof.fingerprint, ""))

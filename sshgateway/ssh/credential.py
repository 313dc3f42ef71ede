"""The credential that a connection logs in with: a private key and the certificate for it. Pure."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Credential:
    """A private key (OpenSSH PEM) and its certificate (one OpenSSH line). Neither appears in the repr."""

    private_key: str = field(repr=False)
    certificate: str = field(repr=False)

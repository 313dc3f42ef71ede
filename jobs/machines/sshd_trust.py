"""Write the sshd configuration that makes a machine accept the portal's certificates. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

AUTHORITY_FILE = "/etc/ssh/headnode_user_authority"
PRINCIPALS_FILE = "/etc/ssh/headnode_principals"
SSHD_CONFIG = "/etc/ssh/sshd_config"
APPLY = "sshd -t && { systemctl reload ssh || systemctl reload sshd; }"


@dataclass(frozen=True)
class TrustFiles:
    """The contents of two files, and the lines to append to sshd_config. Each ends with a line break."""

    authority: str
    principals: str
    sshd_config: str


def trust_files(username: str, authorities: Sequence[str], gateway_addresses: Sequence[str]) -> TrustFiles:
    """Return what lets the portal log in as `username` and as nobody else, from these addresses and no others.

    `authorities` are the public keys of the user authority, `gateway_addresses` are addresses or networks; without any,
    the portal may connect from anywhere.
    """
    source = f'from="{",".join(gateway_addresses)}" ' if gateway_addresses else ""
    return TrustFiles(
        authority="".join(f"{line}\n" for line in authorities),
        principals=f"{source}{username}\n",
        sshd_config=(
            f"Match User {username}\n"
            f"    TrustedUserCAKeys {AUTHORITY_FILE}\n"
            f"    AuthorizedPrincipalsFile {PRINCIPALS_FILE}\n"
        ),
    )

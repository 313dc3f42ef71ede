"""Find the machine's own programs that nodes offer: a login shell and an sftp server."""

import os

SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/sftp-server",
)


def login_shell() -> str:
    """Return bash, or sh where there is no bash."""
    return "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"


def sftp_server() -> str | None:
    """Return the path of an sftp server; None if the machine has none."""
    return next((path for path in SFTP_SERVERS if os.path.exists(path)), None)

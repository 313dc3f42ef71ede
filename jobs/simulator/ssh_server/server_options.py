"""The asyncssh options that all connections of a node share."""

from collections.abc import Awaitable
from typing import Any

import asyncssh

VERSION = "Headnode-simulator"
# GCM first: with AES instructions it is the fastest by far. A client's own order decides in the end.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
LOGIN_SECONDS = 30
KEEPALIVE_SECONDS, MAX_KEEPALIVES_MISSED = 60, 5


async def make_server_options(
    host_key: asyncssh.SSHKey, certificate: str | None
) -> asyncssh.SSHServerConnectionOptions:
    """Return options for a server with this host key and, if there is one, its certificate."""
    keys: list[Any] = [(host_key, asyncssh.import_certificate(certificate))] if certificate else [host_key]
    building: Awaitable[asyncssh.SSHServerConnectionOptions] = asyncssh.SSHServerConnectionOptions.construct(
        server_host_keys=keys,
        server_version=VERSION,
        encryption_algs=list(CIPHERS),
        compression_algs=None,
        encoding=None,
        line_editor=False,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        x11_forwarding=True,
        agent_forwarding=True,
        login_timeout=LOGIN_SECONDS,
        keepalive_interval=KEEPALIVE_SECONDS,
        keepalive_count_max=MAX_KEEPALIVES_MISSED,
    )
    return await building

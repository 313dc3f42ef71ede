"""What a node proves itself with: its host key and the certificate that says whose key it is."""

import asyncio
from typing import Any

import asyncssh

from jobs.simulator.ssh_server.server import server_options


class Identity:
    """A node's host key, and the server options new connections meet. Live connections keep theirs."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self.key = key
        self.certificates: list[str] = []
        self.swapped = False
        self.options: asyncssh.SSHServerConnectionOptions | None = None
        self._another: asyncssh.SSHKey | None = None
        self._preparing = asyncio.Lock()

    @property
    def line(self) -> str:
        """The public host key as one line."""
        return self.key.export_public_key().decode().strip()

    async def show(self, *, certificates: list[str] | None = None, swapped: bool | None = None) -> None:
        """Show these certificates, or (the fault) a key nobody has reported, from now on."""
        if certificates is not None:
            self.certificates = certificates
        if swapped is not None:
            self.swapped = swapped
        # One after the other, so that of two changes at once none is undone by the slower one.
        async with self._preparing:
            key = self.key
            if self.swapped:
                self._another = key = self._another or asyncssh.generate_private_key("ssh-ed25519")
            self.options = await server_options(key, certificate_for(key, self.certificates))


def certificate_for(key: asyncssh.SSHKey, lines: list[str]) -> str | None:
    """The host certificate that is for this key; one that is not would make the server unusable."""
    for line in lines:
        try:
            certificate: Any = asyncssh.import_certificate(line)
            if certificate.key.public_data == key.public_data:
                return line
        except (asyncssh.KeyImportError, ValueError, AttributeError):
            continue
    return None

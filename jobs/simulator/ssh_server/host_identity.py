"""A node's host key and the certificate that vouches for it, as new connections see them."""

import asyncio
from typing import Any

import asyncssh

from jobs.simulator.ssh_server.server_options import make_server_options


class HostIdentity:
    """A node's host key and the server options made from it. Live connections keep the options they began with."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self.key = key
        self.certificates: list[str] = []
        self.is_swapped = False
        self.options: asyncssh.SSHServerConnectionOptions | None = None
        self._other_key: asyncssh.SSHKey | None = None
        self._changing = asyncio.Lock()

    @property
    def line(self) -> str:
        """The public host key as one line."""
        return self.key.export_public_key().decode().strip()

    async def show_certificates(self, certificates: list[str]) -> None:
        """Show these certificates to new connections."""
        self.certificates = certificates
        await self._make_options()

    async def swap_key(self, swapped: bool) -> None:
        """Show a key that nobody has reported (the fault `swapped_host_key`), or the node's own again."""
        self.is_swapped = swapped
        await self._make_options()

    async def _make_options(self) -> None:
        # One change at a time, so that the slower of two does not undo the other.
        async with self._changing:
            key = self.key
            if self.is_swapped:
                self._other_key = key = self._other_key or asyncssh.generate_private_key("ssh-ed25519")
            self.options = await make_server_options(key, certificate_for(key, self.certificates))


def certificate_for(key: asyncssh.SSHKey, lines: list[str]) -> str | None:
    """Return the certificate for this key, if there is one: any other would make the server unusable."""
    for line in lines:
        try:
            certificate: Any = asyncssh.import_certificate(line)
            if certificate.key.public_data == key.public_data:
                return line
        except (asyncssh.KeyImportError, ValueError, AttributeError):
            continue
    return None

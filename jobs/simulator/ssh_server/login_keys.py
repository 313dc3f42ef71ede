"""Tell asyncssh which keys one connection may log in with, and remember which one it did."""

from collections.abc import Callable
from typing import Any

import asyncssh

from jobs.node_contract.access_document import Reach
from jobs.simulator.sandbox.fd_channel import ChannelClosed
from jobs.simulator.ssh_server.access_policy import AccessPolicy, Proof, ProofKind
from jobs.simulator.ssh_server.home_keys import HomeKeys
from jobs.simulator.ssh_server.served_node import ServedNode

HOME_KEYS_BYTES = 1 << 16
READ_SECONDS = 2


async def read_home_keys(node: ServedNode) -> HomeKeys:
    """Read the home's authorized_keys inside the sandbox: a link out of it leads nowhere."""
    path = f"{node.home}/.ssh/authorized_keys"
    try:
        text = await node.agent().read_file(path, HOME_KEYS_BYTES, READ_SECONDS)
    except ChannelClosed:
        return HomeKeys()
    return HomeKeys.remembered(text)


class LoginKeys(asyncssh.SSHAuthorizedKeys):
    """The keys of one connection.

    asyncssh calls `validate` for every key that is tried. The last one is the one that logged in, so `proof` tells
    which when authentication has completed. The policy is asked anew each time: a key that is removed while someone is
    logging in no longer counts.
    """

    def __init__(
        self, policy: Callable[[], AccessPolicy], reach: Reach, home_keys: HomeKeys, cluster_key: bytes | None
    ) -> None:
        super().__init__()
        self._policy, self._reach = policy, reach
        self._home_keys, self._cluster_key = home_keys, cluster_key
        self.proof: Proof | None = None

    def validate(
        self,
        key: asyncssh.SSHKey,
        client_host: str,
        client_addr: str,
        cert_principals: Any = None,
        ca: bool = False,
    ) -> Any:
        """Return the options that this key (with `ca`, this authority) logs in with; None if it may not."""
        options = self._options(key, client_host, client_addr, cert_principals, ca)
        kind = ProofKind.CERTIFICATE if ca else ProofKind.KEY
        proof = Proof(kind, key.public_data, key.get_fingerprint())
        self.proof = proof if options is not None else None
        return options

    def _options(
        self, key: asyncssh.SSHKey, client_host: str, client_addr: str, cert_principals: Any, ca: bool
    ) -> Any:
        blob, policy = key.public_data, self._policy()
        if ca and blob in policy.authorities:
            return {}
        if self._reach is not Reach.FULL:
            return None
        if not ca and (blob in policy.keys or blob == self._cluster_key):
            return {}
        for entry in self._home_keys.entries:
            options = entry.validate(key, client_host, client_addr, cert_principals, ca)
            if options is not None:
                return options
        return None

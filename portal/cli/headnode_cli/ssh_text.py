"""Write OpenSSH configuration for a job's nodes: strict, with the host keys that the portal gave. Pure.

The words that come from the portal are checked: none may begin a line, an option or a command of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import CLIError

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_KEY_LINE = re.compile(
    r"(@cert-authority )?[^\s@#|][^\s]* (ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA[A-Za-z0-9+/=]*( [^\n]*)?"
)


@dataclass(frozen=True)
class Node:
    """A node to log in to. `alias` is the name its host keys are known by."""

    name: str
    role: str
    username: str
    address: str
    port: int
    alias: str

    def __post_init__(self) -> None:
        """Raise CLIError for a word that has no place in a configuration."""
        for word in (self.name, self.username, self.address, self.alias):
            if not _SAFE.fullmatch(word):
                raise CLIError(f"The portal named a node oddly: {word!r}. It was not used.")

    @property
    def is_head(self) -> bool:
        """Whether other nodes are reached through it."""
        return self.role == "MPI_MASTER"


def known_hosts(lines: Iterable[str]) -> str:
    """Return the lines of a known_hosts file. Raises CLIError for one that is no such line."""
    kept = [line for line in lines if line.strip()]
    for line in kept:
        if not _KEY_LINE.fullmatch(line):
            raise CLIError("The portal sent host keys that are none. They were not used.")
    return "".join(f"{line}\n" for line in kept)


def alias_of(address: str, port: int, lines: Iterable[str]) -> str:
    """Return the alias under which known_hosts lines know an address; empty if they do not."""
    wanted = address if port == 22 else f"[{address}]:{port}"
    for line in lines:
        names = line.split(" ", 1)[0].split(",")
        if wanted in names:
            return next((name for name in names if name != wanted), "")
    return ""


def quoted_path(path: str) -> str:
    """Return a path as a value of ssh_config. Raises CLIError for one that cannot be written there."""
    if '"' in path or "\n" in path or "\r" in path:
        raise CLIError(f"ssh cannot use the path {path!r}: it has a quotation mark or a line end in it.")
    return '"' + path.replace("\\", "/").replace("%", "%%") + '"'


def host_block(
    name: str,
    node: Node,
    known_hosts_file: str,
    *,
    jump: str = "",
    identity_file: str = "",
    extra: Iterable[str] = (),
) -> str:
    """Return the `Host` block of a node. `jump` is the name of the block of the node to go through."""
    if not _SAFE.fullmatch(name):
        raise CLIError(f"The portal named a cluster oddly: {name!r}. It was not used.")
    keys = quoted_path(known_hosts_file)
    lines = [
        f"Host {name}",
        f"  HostName {node.name if jump else node.address}",
        f"  Port {node.port}",
        f"  User {node.username}",
        f"  HostKeyAlias {node.alias}",
        f"  UserKnownHostsFile {keys}",
        f"  GlobalKnownHostsFile {keys}",
        "  StrictHostKeyChecking yes",
        "  VerifyHostKeyDNS no",  # with yes in the person's own settings, a key in DNS would do as well
        "  UpdateHostKeys no",
        "  PasswordAuthentication no",
        "  KbdInteractiveAuthentication no",
        "  ServerAliveInterval 15",
        "  ServerAliveCountMax 4",
    ]
    lines += (
        [f"  ProxyJump {jump}"] if jump else []
    )  # a way out of the person's own network holds for the head
    lines += [f"  IdentityFile {quoted_path(identity_file)}"] if identity_file else []
    lines += [f"  {option}" for option in extra]
    return "\n".join(lines) + "\n"

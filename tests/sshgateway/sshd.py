"""A real OpenSSH server as a node, on a port of its own, which trusts this portal's user authority."""

import getpass
import os
import socket
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sshgateway.certificates.authorities import user_authority_lines
from sshgateway.ssh.targets import Target
from tests.stack import free_port
from tests.waiting import LIMIT, wait_for

# A shell that is the same on every machine, with UTF-8 and nobody's history; other commands and sftp as they are.
FORCED = (
    'if [ -n "$SSH_ORIGINAL_COMMAND" ]; then exec sh -c "$SSH_ORIGINAL_COMMAND"; '
    'else exec env PS1="node$ " LC_ALL=C.UTF-8 HISTFILE= bash --norc --noprofile -i; fi'
)


@dataclass
class Node:
    """A running sshd."""

    process: subprocess.Popen[bytes]
    port: int
    host_key: str
    folder: Path
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """The log of sshd."""
        return (self.folder / "sshd.log").read_text(errors="replace")

    def target(self, **changes: object) -> Target:
        """Return the target that leads to it, with `changes`."""
        fields = {
            "address": "127.0.0.1",
            "port": self.port,
            "principal": getpass.getuser(),
            "host_keys": (self.host_key,),
            "label": "head of Test",
            "subject": "test:1",
            "node": "head",
        }
        return Target(**{**fields, **changes})  # type: ignore[arg-type]  # fields by name

    def stop(self) -> None:
        """End the server and, with it, every connection."""
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        ).stdout.split()
        self.process.terminate()
        self.process.wait(LIMIT)
        for child in children:
            try:
                os.kill(int(child), 9)
            except ProcessLookupError:
                pass


def start(
    folder: Path,
    key_types: Iterable[str] = ("ed25519",),
    authorities: list[str] | None = None,
    trusting: str = "",
    more: Iterable[str] = (),
) -> Node:
    """Start one; it is listening when this returns. `trusting`: lines to end with, instead of plain trust.

    `more`: other lines of its configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    keys = {}
    for kind in key_types:
        path = folder / f"host_{kind}"
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)], check=True)
        keys[kind] = " ".join(Path(f"{path}.pub").read_text().split()[:2])
    # A home of its own: the shell reads start-up files there for every command, and this machine's are not the test's.
    (folder / "home").mkdir(exist_ok=True)
    (folder / "authorities").write_text("\n".join(authorities or user_authority_lines()) + "\n")
    port = free_port()
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        *(f"HostKey {folder}/host_{kind}" for kind in keys),
        *([] if trusting else [f"TrustedUserCAKeys {folder}/authorities"]),
        "AuthorizedKeysFile none",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
        "UsePAM no",
        "StrictModes no",
        "UseDNS no",
        "PidFile none",
        f"SetEnv HOME={folder}/home",
        *more,
        "LogLevel VERBOSE",
        "Subsystem sftp /usr/lib/openssh/sftp-server",
        f"ForceCommand {FORCED}",
        trusting,
    ]
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    process = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "sshd.log")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    node = Node(process, port, next(iter(keys.values())), folder, keys)

    def listens() -> bool:
        assert process.poll() is None, node.log
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(listens, "sshd listens")
    except BaseException:
        node.stop()
        raise
    return node

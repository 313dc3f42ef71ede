"""Run OpenSSH's programs against a job's nodes, with a configuration and host keys that last as long as the program."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import profiles, ssh_text
from .errors import CLIError
from .nodes import Nodes
from .paths import config_file, ssh_folder
from .private_file import write_private

TARGET, JUMP = "headnode-target", "headnode-jump"
# The status of ssh itself when it could not connect.
SSH_FAILED = 255
SIGNALLED = 128  # plus the signal, as shells say it


@dataclass(frozen=True)
class Session:
    """A configuration in a folder of its own; the node is called TARGET in it."""

    config: Path

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the command line of one of OpenSSH's programs."""
        return [found_program(program), "-F", str(self.config), *arguments]


def found_program(name: str) -> str:
    """Return the path of a program. Raises CLIError with what to install."""
    path = shutil.which(name)
    if path is None:
        raise CLIError(f"There is no program {name} on this computer. Install OpenSSH's client.")
    return path


@contextmanager
def session(nodes: Nodes, name: str, extra: Sequence[str] = ()) -> Iterator[Session]:
    """Make a configuration for a node of a job: strict, with the portal's host keys and no others."""
    identity = profiles.read(config_file()).identity_file
    with tempfile.TemporaryDirectory(prefix="headnode-") as folder:
        keys = Path(folder) / "known_hosts"
        write_private(keys, nodes.known_hosts)
        node, head = nodes.named(name), nodes.head
        jump = JUMP if head is not None and not node.is_head else ""
        blocks = []
        if jump and head is not None:
            blocks.append(ssh_text.host_block(JUMP, head, str(keys), identity_file=identity))
        blocks.append(
            ssh_text.host_block(TARGET, node, str(keys), jump=jump, identity_file=identity, extra=extra)
        )
        # The person's own settings hold for whatever is not said above: the first value counts.
        own = ssh_folder() / "config"
        blocks.append(f"Match all\n  Include {ssh_text.quoted_path(str(own))}\n" if own.exists() else "")
        config = Path(folder) / "config"
        write_private(config, "\n".join(blocks))
        yield Session(config)


def run(command: Sequence[str]) -> int:
    """Run a program on this terminal. Return its exit status. Ctrl-C is the program's alone."""
    # A handler, not SIG_IGN: a child inherits what is ignored, but not a handler.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        child = subprocess.Popen(command)
        try:
            status = child.wait()
            return status if status >= 0 else SIGNALLED - status
        except BaseException:
            child.terminate()
            child.wait(5)
            raise
    finally:
        signal.signal(signal.SIGINT, previous)

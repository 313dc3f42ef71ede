"""OpenSSH on a computer that has never seen a node, and knows only what a test gives it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import LIMIT


@dataclass
class Stranger:
    """OpenSSH on a computer that knows one thing: the lines of the host authority."""

    folder: Path
    key: Path
    lines: str

    @property
    def options(self) -> list[str]:
        known = self.folder / "known_hosts"
        known.write_text(self.lines)
        return [
            *("-F", "none", "-i", str(self.key), "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"),
            *("-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=/dev/null"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=60"),
            *("-o", "UpdateHostKeys=no"),
        ]

    def ssh(self, node: dict[str, Any], command: str, *more: str) -> "subprocess.CompletedProcess[str]":
        where = f"{node['username']}@{node['publicIp']}"
        return run("ssh", *self.options, *more, "-p", str(node["sshPort"]), where, command)

    def sftp(self, node: dict[str, Any], batch: str, *more: str) -> "subprocess.CompletedProcess[str]":
        where = f"{node['username']}@{node['publicIp']}"
        words = ["sftp", *self.options, *more, "-q", "-P", str(node["sshPort"]), "-b", "-", where]
        return run(*words, stdin=batch)

    def scp(self, node: dict[str, Any], path: Path, *more: str) -> "subprocess.CompletedProcess[str]":
        where = f"{node['username']}@{node['publicIp']}:{path.name}"
        return run("scp", *self.options, *more, "-q", "-P", str(node["sshPort"]), str(path), where)


def run(*words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    # A session of its own: without a terminal nobody could be asked anything.
    return subprocess.run(
        words, input=stdin, capture_output=True, text=True, timeout=4 * LIMIT, start_new_session=True
    )


def alias_of(job: str, node: str) -> str:
    return f"job-{job.lower()}{'' if node == 'head' else '-' + node}.headnode.local"

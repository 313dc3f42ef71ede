"""A person's desk: a folder, their key in both formats, and their own tools, in which what a page shows is run."""

import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import LIMIT, run_to_end, wait_for

# What would be in the person's ssh configuration; how hosts are checked is the commands' own business.
CONFIG = """\
{first}Host *
  IdentityFile {folder}/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  ConnectTimeout 60
  UpdateHostKeys no
  LogLevel ERROR
"""
TOOLS = ("ssh", "scp", "sftp")


class Desk:
    """Commands run in the folder exactly as shown, in a session without terminal: nobody could be asked anything."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "HOME": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}"}
        self.environment.pop("SSH_AUTH_SOCK", None)
        (folder / "key").write_bytes(key.read_bytes())
        (folder / "key").chmod(0o600)
        subprocess.run(["puttygen", str(key), "-o", str(folder / "key.ppk")], check=True)
        (folder / "bin").mkdir()
        for tool in TOOLS:
            script = folder / "bin" / tool
            script.write_text(f'#!/bin/sh\nexec /usr/bin/{tool} -F {folder}/config "$@"\n')
            script.chmod(0o755)
        self.configure()
        self.trust("")

    def configure(self, first: str = "") -> None:
        """Put lines before the person's own configuration."""
        (self.folder / "config").write_text(CONFIG.format(folder=self.folder, first=first + "\n"))

    def trust(self, lines: str) -> None:
        """Let the person's known_hosts have these lines, no other."""
        (self.folder / "known_hosts").write_text(lines)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)

    def run(self, line: str, typed: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        """The line in bash, with this typed into it."""
        return run_to_end(
            ["/bin/bash", "-c", line],
            given=typed,
            cwd=self.folder,
            env=self.environment | environment,
            start_new_session=True,
        )

    def said(self, line: str, typed: str = "", **environment: str) -> str:
        """The same for a line that must succeed: what it printed."""
        done = self.run(line, typed, **environment)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    @contextmanager
    def running(self, line: str, environment: Mapping[str, str] | None = None) -> Iterator[None]:
        """The line in bash as long as the block; all it started ends with it."""
        log = (self.folder / "running.log").open("w+")
        process = subprocess.Popen(
            ["/bin/bash", "-c", line],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env=self.environment | dict(environment or {}),
            start_new_session=True,
        )
        try:
            yield
            assert process.poll() is None, (line, (self.folder / "running.log").read_text())
        finally:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
            process.communicate(timeout=LIMIT)
            log.close()


def page_at(url: str, limit: float = LIMIT) -> str:
    """What a web server that is just coming up says."""

    def read() -> str:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    return wait_for(read, f"{url} answers", limit) or ""

"""The command line as a person has it: the portal's wheel in an empty environment, driven through a pty or a pipe.

What it needs from elsewhere is copied from the environment of the tests, package by package as the wheel's own metadata
names them: so nothing else is there, and no test needs the network.
"""

import codecs
import contextlib
import importlib.metadata
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.markers import Marker

from tests.waiting import LIMIT, run_to_end, wait_for

_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?[^;]*(?:;(.*))?$")
_SCREEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")


def requirements_of(names: list[str]) -> set[str]:
    """The packages that these packages need here, and those they need; extras are left out."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or []:
            match = _REQUIREMENT.match(line)
            assert match is not None, line
            marker = match.group(2) or ""
            if "extra" not in marker and _applies(marker):
                waiting.append(match.group(1))
    return found


def _applies(marker: str) -> bool:
    return not marker or Marker(marker.strip()).evaluate()


def copy_packages(names: set[str], site_packages: Path) -> None:
    """Copy installed packages, with their metadata, into another environment."""
    for name in names:
        for path in importlib.metadata.files(name) or []:
            parts = path.parts
            if ".." in parts or "__pycache__" in parts:
                continue
            target = site_packages / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(path.locate()), target)


@dataclass
class Installed:
    """The `headnode` program of a person with a home of their own."""

    program: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """What the program finds in its environment: nothing of the tests'."""
        return {
            "HOME": str(self.home),
            "PATH": f"{self.program.parent}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        } | self.environment

    def run(
        self, *arguments: str, given: str = "", limit: float = 4 * LIMIT, **more: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run to the end with pipes; the output is text."""
        command = [str(self.program), *arguments]
        return run_to_end(command, given=given, limit=limit, env=self.env | more, cwd=self.home)

    def good(self, *arguments: str, given: str = "", **more: Any) -> str:
        """Run to the end; it must succeed. Return the standard output."""
        done = self.run(*arguments, given=given, **more)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def begin(self, *arguments: str, **more: Any) -> "OnTerminal":
        """Start on a terminal of its own."""
        return OnTerminal([str(self.program), *arguments], self.env | more, self.home)


class OnTerminal:
    """A program on a pseudo-terminal."""

    def __init__(self, command: list[str], env: dict[str, str], folder: Path) -> None:
        self.text = ""
        self._letters = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.status: int | None = None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                signal.signal(
                    signal.SIGINT, signal.SIG_DFL
                )  # tests that run in the background have it ignored
                os.chdir(folder)
                os.execvpe(command[0], command, env)
            finally:
                os._exit(127)

    def _read(self) -> None:
        """Take all that is there: a terminal gives it in pieces, which may end within a letter."""
        with contextlib.suppress(OSError):  # EIO: the program has closed its side
            while select.select([self.master], [], [], 0)[0]:
                self.text += self._letters.decode(os.read(self.master, 65536))

    @property
    def shown(self) -> str:
        """The text without what moves the cursor."""
        return _SCREEN.sub("", self.text)

    def wait_text(self, pattern: str, limit: float = LIMIT) -> "re.Match[str]":
        """Wait until the terminal shows this."""

        def found() -> "re.Match[str] | None":
            self._read()
            return re.search(pattern, self.shown)

        try:
            return wait_for(found, f"the terminal shows {pattern}", limit)
        except AssertionError as error:
            raise AssertionError(f"{error}\nIt shows:\n{self.shown[-3000:]}") from None

    def type(self, text: str) -> None:
        """Type on its keyboard."""
        os.write(self.master, text.encode())

    def end(self, limit: float = LIMIT) -> int:
        """Wait for the end; return the exit status."""

        def ended() -> bool:
            self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return bool(pid)

        try:
            wait_for(ended, "the program ends", limit)
        except AssertionError as error:
            raise AssertionError(f"{error}\nIt shows:\n{self.shown[-3000:]}") from None
        self._read()
        os.close(self.master)
        assert self.status is not None
        return self.status

    def close(self) -> None:
        """End it if it still runs."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.master)


def empty_environment(folder: Path) -> Path:
    """Make a virtual environment with nothing in it. Return its folder of programs."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    return folder / "bin"


def site_packages_of(folder: Path) -> Path:
    """The folder of packages of a virtual environment."""
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"

"""Write the output of several processes to one log, each line with the name of its process.

Lines go to the terminal (in colour, unless NO_COLOR is set) and to a rotating file that only its owner can read.
"""

import logging
import logging.handlers
import os
import re
import sys
import time
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

LIMIT_BYTES = 5_000_000
KEEP = 3
LINE_LIMIT = 16_384
COLOURS = {"headnode": 1, "redis": 31, "web": 32, "worker": 33, "beat": 35, "simulator": 36, "prepare": 34}
# Control characters other than tab: the output of a program must not control the operator's terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    """A rotating log file that only its owner can read."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="replace")


class Log:
    """Writes lines to the terminal and to the file."""

    def __init__(self, path: Path, terminal: TextIO | None = None) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self.terminal = terminal or sys.stdout
        self._terminal_gone = False
        self.colour = self.terminal.isatty() and "NO_COLOR" not in os.environ
        self._file = PrivateRotatingFile(path, maxBytes=LIMIT_BYTES, backupCount=KEEP)
        self._file.setFormatter(logging.Formatter("%(message)s"))

    def line(self, name: str, text: str) -> None:
        """Write one line of the process `name`, without control characters and cut to LINE_LIMIT."""
        text = _CONTROL.sub("", text.rstrip())[:LINE_LIMIT]
        if not text:
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._file.emit(logging.makeLogRecord({"msg": f"{stamp} {name:<9} | {text}", "args": ()}))
        prefix = f"{name:<9} |"
        if self.colour:
            prefix = f"\x1b[{COLOURS.get(name, 0)}m{prefix}\x1b[0m"
        self.say(f"{prefix} {text}")

    def say(self, text: str) -> None:
        """Write to the terminal only, unchanged. Also for passwords, which no file may contain."""
        if self._terminal_gone:
            return
        try:
            print(text, file=self.terminal, flush=True)
        except (BrokenPipeError, ValueError):
            # The terminal is gone. Keep writing to the file.
            self._terminal_gone = True

    def close(self) -> None:
        """Close the file."""
        self._file.close()

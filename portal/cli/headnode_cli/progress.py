"""One line on standard error that says how far a transfer is; only on a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

from . import runtime
from .plain_text import cut, printable

EVERY_SECONDS = 0.1


def size_text(count: float) -> str:
    """Return bytes as people write them: `1.5 GB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


class Progress:
    """A bar for one transfer of `total` bytes: `with Progress("mesh.dat", 1000) as bar: bar.add(10)`."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total = printable(title), total
        self.done = self.begun_with = 0
        self._shows = sys.stderr.isatty() and not (runtime.choices.quiet or runtime.choices.as_json)
        self._begun = self._shown = time.monotonic()

    def add(self, count: int) -> None:
        """Count bytes that were transferred."""
        self.done += count
        now = time.monotonic()
        if self._shows and now - self._shown >= EVERY_SECONDS:
            self._shown = now
            self._draw(now)

    def skip(self, count: int) -> None:
        """Count bytes that were there before."""
        self.done += count
        self.begun_with += count

    def _draw(self, now: float) -> None:
        spent = max(now - self._begun, 0.001)
        rate = (self.done - self.begun_with) / spent
        share = min(self.done / self.total, 1.0) if self.total else 1.0
        bar = f"[{'#' * int(share * 20):<20}] {share:4.0%} {size_text(self.done)}, {size_text(rate)}/s "
        text = cut(f"{bar} {self.title}", shutil.get_terminal_size().columns - 1)
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shows:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class CountedFile:
    """A file whose reading moves a bar. An HTTP client reads it piece by piece."""

    def __init__(self, file: Any, bar: Progress) -> None:
        self._file, self._bar = file, bar

    def read(self, size: int = -1) -> bytes:
        """Read, and count."""
        piece: bytes = self._file.read(size)
        self._bar.add(len(piece))
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

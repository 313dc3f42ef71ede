"""Writes one recording: what happened, in the order it happened, encoded and saved. Runs in a worker thread.

Called by `recorder`, one call at a time. What could not be saved stays here and is saved by the next call.
"""

from dataclasses import dataclass
from typing import TypeAlias

from sshgateway.models import Recording, TerminalSession
from sshgateway.recording import asciicast, store

# A chunk is as large as the tail may get.
CHUNK_SIZE = 128 * 1024


@dataclass(frozen=True)
class Printed:
    """Output of the shell."""

    seconds: float
    data: bytes


@dataclass(frozen=True)
class Resized:
    """A new size."""

    seconds: float
    cols: int
    rows: int


@dataclass(frozen=True)
class LeftOut:
    """Output that came faster than it could be saved."""

    seconds: float
    size: int


Happening: TypeAlias = Printed | Resized | LeftOut


class Writer:
    """Owns the row of one recording. `full` says that the size limit was reached and nothing more is taken."""

    def __init__(self, session: TerminalSession, size_limit: int) -> None:
        self.full = False
        self._session = session
        self._size_limit = size_limit
        self._encoder = asciicast.Encoder()
        self._recording: Recording | None = None
        # Happenings that are not encoded yet, and lines that are in no chunk yet.
        self._due: list[Happening] = []
        self._unsaved: list[bytes] = []
        self._tail_size = 0

    def hear(self, happenings: list[Happening]) -> None:
        """Take these along with the next `save` or `finish`. Costs nothing; never while one of those runs."""
        self._due.extend(happenings)

    def save(self) -> None:
        """Save what was heard. When it raises, nothing is lost: call again."""
        recording = self._take_all()
        if self._tail_size >= CHUNK_SIZE:
            self._seal(recording)
        elif self._tail_size:
            store.save_tail(recording, b"".join(self._unsaved))

    def finish(self, reason: str) -> None:
        """Save everything in chunks and close the recording. When it raises, call again."""
        recording = self._take_all()
        if not self.full:
            self._add(recording, self._encoder.end(recording.seconds))
        if self._tail_size:
            self._seal(recording)
        store.finish(recording, "size_limit" if self.full else reason)

    def give_up(self) -> None:
        """Say in the row that it could not be saved further; what was saved stays readable."""
        if self._recording is not None:
            store.finish(self._recording, "failed")

    def _take_all(self) -> Recording:
        recording = self._begun()
        for happening in self._due:
            self._take(recording, happening)
        self._due.clear()
        return recording

    def _begun(self) -> Recording:
        if self._recording is None:
            session = self._session
            recording = store.begin(session)
            self._add(
                recording,
                asciicast.header(session.cols, session.rows, recording.started_at, session.label),
            )
            self._recording = recording
        return self._recording

    def _take(self, recording: Recording, happening: Happening) -> None:
        if self.full:
            return
        match happening:
            case Printed(seconds, data):
                line = self._encoder.output(seconds, data)
            case Resized(seconds, cols, rows):
                line = self._encoder.resize(seconds, cols, rows)
            case LeftOut(seconds, size):
                line = self._encoder.gap(seconds, size)
                recording.missing += size
        recording.seconds = max(recording.seconds, happening.seconds)
        if recording.size + len(line) > self._size_limit:
            self.full = True
            limit = f"{self._size_limit / 1_000_000:g} MB"
            line = self._encoder.marker(
                happening.seconds,
                f"The recording ends here: it reached its limit of {limit}. The terminal went on.",
            )
        self._add(recording, line)

    def _add(self, recording: Recording, line: str) -> None:
        if not line:
            return
        encoded = line.encode()
        self._unsaved.append(encoded)
        self._tail_size += len(encoded)
        recording.size += len(encoded)

    def _seal(self, recording: Recording) -> None:
        store.save_chunk(recording, b"".join(self._unsaved))
        self._unsaved.clear()
        self._tail_size = 0

"""Encode the events of one terminal and save them, in order. Runs in a worker thread.

`recorder` makes one call at a time. Events that could not be saved are kept and saved by the next call.
"""

from dataclasses import dataclass
from typing import TypeAlias

from sshgateway.models import Recording, TerminalSession
from sshgateway.models.recording import RecordingState
from sshgateway.recording import asciicast, store

# A chunk is as large as the tail may get.
CHUNK_SIZE = 128 * 1024


@dataclass(frozen=True)
class OutputEvent:
    """The shell printed `data`."""

    seconds: float
    data: bytes


@dataclass(frozen=True)
class ResizeEvent:
    """The terminal got a new size."""

    seconds: float
    cols: int
    rows: int


@dataclass(frozen=True)
class GapEvent:
    """`size` bytes of output were dropped, because they came faster than they could be saved."""

    seconds: float
    size: int


RecordedEvent: TypeAlias = OutputEvent | ResizeEvent | GapEvent


class Writer:
    """Owns the row of one recording. Once `full`, the size limit was reached and nothing more is recorded."""

    def __init__(self, session: TerminalSession, size_limit: int) -> None:
        self.full = False
        self._session = session
        self._size_limit = size_limit
        self._encoder = asciicast.Encoder()
        self._recording: Recording | None = None
        # Events that are not encoded yet, and encoded lines that are in no chunk yet.
        self._queued: list[RecordedEvent] = []
        self._unsaved: list[bytes] = []
        self._tail_size = 0

    def enqueue(self, events: list[RecordedEvent]) -> None:
        """Have these saved by the next `save` or `finish`. Never waits; must not be called while one of those runs."""
        self._queued.extend(events)

    def save(self) -> None:
        """Save the queued events. If it raises, nothing is lost: call it again."""
        recording = self._encode_queued()
        if self._tail_size >= CHUNK_SIZE:
            self._save_chunk(recording)
        elif self._tail_size:
            store.save_tail(recording, b"".join(self._unsaved))

    def finish(self, reason: RecordingState) -> None:
        """Save everything in chunks and finish the recording. If it raises, call it again."""
        recording = self._encode_queued()
        if not self.full:
            self._add(recording, self._encoder.end(recording.seconds))
        if self._tail_size:
            self._save_chunk(recording)
        store.finish_recording(recording, RecordingState.SIZE_LIMIT if self.full else reason)

    def mark_failed(self) -> None:
        """Mark the recording as failed; what was saved stays readable."""
        if self._recording is not None:
            store.finish_recording(self._recording, RecordingState.FAILED)

    def _encode_queued(self) -> Recording:
        recording = self._begin()
        for event in self._queued:
            self._encode(recording, event)
        self._queued.clear()
        return recording

    def _begin(self) -> Recording:
        if self._recording is None:
            session = self._session
            recording = store.begin_recording(session)
            self._add(
                recording,
                asciicast.header(session.cols, session.rows, recording.started_at, session.label),
            )
            self._recording = recording
        return self._recording

    def _encode(self, recording: Recording, event: RecordedEvent) -> None:
        if self.full:
            return
        match event:
            case OutputEvent(seconds, data):
                line = self._encoder.output(seconds, data)
            case ResizeEvent(seconds, cols, rows):
                line = self._encoder.resize(seconds, cols, rows)
            case GapEvent(seconds, size):
                line = self._encoder.gap(seconds, size)
                recording.missing += size
        recording.seconds = max(recording.seconds, event.seconds)
        if recording.size + len(line) > self._size_limit:
            self.full = True
            limit = f"{self._size_limit / 1_000_000:g} MB"
            line = self._encoder.marker(
                event.seconds,
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

    def _save_chunk(self, recording: Recording) -> None:
        store.save_chunk(recording, b"".join(self._unsaved))
        self._unsaved.clear()
        self._tail_size = 0

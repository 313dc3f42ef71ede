"""Encode asciicast v2: a header line, then one JSON array per line: [seconds since the start, code, data]. Pure.

The format is asciinema's, https://docs.asciinema.org/manual/asciicast/v2/. The codes written are "o" (output), "r"
(resize, "COLSxROWS") and "m" (marker, where output is missing); "i" (input) never is.
"""

import codecs
import json
from datetime import datetime

MEDIA_TYPE = "application/x-asciicast"


def header(cols: int, rows: int, started_at: datetime, title: str) -> str:
    """Return the header line of a recording."""
    fields = {
        "version": 2,
        "width": cols,
        "height": rows,
        "timestamp": int(started_at.timestamp()),
        "title": title,
        "env": {"TERM": "xterm-256color"},
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"


class Encoder:
    """Encodes the events of one terminal as lines. Make one per recording: it keeps partial UTF-8 between reads.

    Times are seconds since the recording began; a method returns an empty string if there is nothing to write yet.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._last = 0.0

    def output(self, seconds: float, data: bytes) -> str:
        """Return the line for output. A partial character waits for its rest; invalid UTF-8 is replaced."""
        text = self._decoder.decode(data)
        return self._line(seconds, "o", text) if text else ""

    def resize(self, seconds: float, cols: int, rows: int) -> str:
        """Return the line for a new terminal size."""
        return self._line(seconds, "r", f"{cols}x{rows}")

    def gap(self, seconds: float, missing: int) -> str:
        """Return the lines for a gap of `missing` bytes. A partial character before it is replaced."""
        return self._flush(seconds) + self.marker(seconds, f"{missing} bytes are missing here")

    def marker(self, seconds: float, label: str) -> str:
        """Return the line for a remark about the recording, which players show and the terminal did not."""
        return self._line(seconds, "m", label)

    def end(self, seconds: float) -> str:
        """Return the line for a partial character that is left at the end, replaced."""
        return self._flush(seconds)

    def _flush(self, seconds: float) -> str:
        text = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return self._line(seconds, "o", text) if text else ""

    def _line(self, seconds: float, code: str, data: str) -> str:
        # Players require times that never decrease.
        self._last = max(self._last, seconds)
        return json.dumps([round(self._last, 6), code, data], ensure_ascii=False) + "\n"

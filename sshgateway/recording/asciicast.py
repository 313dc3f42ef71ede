"""asciicast v2: a header line, then one JSON array a line: [seconds since the start, code, data]. Pure.

The format is asciinema's, https://docs.asciinema.org/manual/asciicast/v2/. We write the codes "o" (output), "r"
(resize, "COLSxROWS") and "m" (marker, used where something is missing). "i" (input) is never written.
"""

import codecs
import json
from datetime import datetime

MEDIA_TYPE = "application/x-asciicast"


def header(cols: int, rows: int, started_at: datetime, title: str) -> str:
    """The first line."""
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
    """Turns what happens in a terminal into lines. One per recording: it remembers half a character between reads."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._last = 0.0

    def output(self, seconds: float, data: bytes) -> str:
        """What the shell printed. A character that is cut waits for its rest; what is no UTF-8 is replaced."""
        text = self._decoder.decode(data)
        return self._line(seconds, "o", text) if text else ""

    def resize(self, seconds: float, cols: int, rows: int) -> str:
        """The terminal got another size."""
        return self._line(seconds, "r", f"{cols}x{rows}")

    def gap(self, seconds: float, missing: int) -> str:
        """So many bytes of output are missing here. Half a character before it will not get its rest."""
        return self._rest(seconds) + self.marker(seconds, f"{missing} bytes are missing here")

    def marker(self, seconds: float, label: str) -> str:
        """A word about the recording itself; players show it, the terminal does not."""
        return self._line(seconds, "m", label)

    def end(self, seconds: float) -> str:
        """What is still owed: half a character, replaced."""
        return self._rest(seconds)

    def _rest(self, seconds: float) -> str:
        text = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return self._line(seconds, "o", text) if text else ""

    def _line(self, seconds: float, code: str, data: str) -> str:
        # Players rely on times that never go back.
        self._last = max(self._last, seconds)
        return json.dumps([round(self._last, 6), code, data], ensure_ascii=False) + "\n"

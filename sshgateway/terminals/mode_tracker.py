"""The modes of a terminal, followed through a shell's output: alternate screen, mouse, paste, cursor, charsets.

A client that receives output from its middle on would draw it in the wrong modes. `ModeTracker.sequence` returns the
bytes that put any terminal, whatever state it is in, into the modes in force after the output that was fed. Pure.

An ESC byte begins a new sequence in every state of a terminal's parser, also within a string. So output is searched for
ESC bytes, and text between them costs no more than that search. Control characters within a sequence, which no program
prints and about which terminals differ, are not followed.
"""

import copy
import re

from sshgateway.terminals.text_attributes import TextAttributes

LONGEST_TITLE = 512
# A sequence that is cut at the end of the output is kept up to this size.
LONGEST_PENDING = 1024

_SCAN = re.compile(
    rb"(?P<shift>[\x0e\x0f])"
    rb"|\x1b(?:"
    rb"\[(?:\?(?P<private>[0-9;]*[hl])|(?P<ansi>[0-9;]*[hl])|(?P<margins>[0-9;]*)r|(?P<cursor>[0-9]*) q|(?P<soft>!)p)"
    rb"|(?P<escape>[=>cno])"
    rb"|(?P<charset>[()*+\-./][\x20-\x2f]*[\x30-\x7e])"
    rb"|\][02];(?P<title>[^\x07\x18\x1a\x1b]*)(?:\x07|(?=\x1b|\Z))"
    # Other strings, so that nothing in them is taken for something else.
    rb"|\][^\x07\x18\x1a\x1b]*"
    rb"|[PX^_][^\x18\x1a\x1b]*"
    rb")"
)
_INCOMPLETE = re.compile(
    rb"\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*|[\x20-\x2f]+|\][^\x07\x18\x1a]*|[PX^_][^\x18\x1a]*)?"
)
_WORTH_SCANNING = (b"\x1b", b"\x0e", b"\x0f")
# What stands for a cut sequence that is too long to keep: terminals read to its end and ignore it.
_TOO_LONG = {b"[": b"\x1b[0?", b"]": b"\x1b]9999;", b"P": b"\x1bP9999~"}

_ALTERNATE_SCREENS = (47, 1047, 1049)
_MOUSE_PROTOCOLS = (9, 1000, 1002, 1003)
_MOUSE_ENCODINGS = (1005, 1006, 1015, 1016)
_CURSOR_BLINK, _KEYPAD = 12, 66
# Cursor keys, reverse video, origin, wrap, blink, cursor, reverse wrap, focus, wheel as keys, bracketed paste.
_PRIVATE_MODES = (1, 5, 6, 7, _CURSOR_BLINK, 25, 45, 1004, 1007, 2004)
# The state of a private mode at the start; those that are not named are off, and the blink is up to the terminal.
_AT_START: dict[int, bool | None] = {7: True, 25: True, _CURSOR_BLINK: None}
# Not changed by a soft reset (DECSTR).
_LASTING_MODES = (5, _CURSOR_BLINK, 1007)
_INSERT, _NEW_LINE = 4, 20
_ASCII = b"B"

# On the alternate screen, the saved cursor is the main screen's; elsewhere saving first makes restoring harmless.
_TO_MAIN_SCREEN = b"\x1b7\x1b[?1049l"
# Soft reset, then what terminals leave as it is on one: no mouse, no bracketed paste, plain keys, wrapping on.
_DEFAULTS = (
    b"\x1b[!p\x0f\x1b>\x1b[0 q\x1b[4;20l\x1b[?7;25h"
    b"\x1b[?1;5;6;9;45;1000;1002;1003;1004;1005;1006;1007;1015;1016;2004l"
)


class ModeTracker:
    """Follows the modes through all output, in pieces of any size. Memory is bounded."""

    def __init__(self) -> None:
        self._title: bytes | None = None
        self._attributes = TextAttributes()
        # The beginning of a sequence or a character that the output fed so far cuts.
        self._pending = b""
        self._reset()

    def _reset(self) -> None:
        """Set what a full reset (RIS) sets. The title stays."""
        self._alternate_screen = 0
        self._mouse_protocol = self._mouse_encoding = 0
        self._private: dict[int, bool] = {}
        self._new_line = False
        self._cursor_style = b""
        self._soft_reset()

    def _soft_reset(self) -> None:
        """Set what a soft reset (DECSTR) sets."""
        self._private = {mode: on for mode, on in self._private.items() if mode in _LASTING_MODES}
        self._insert = self._keypad = False
        self._margins = b""
        self._charsets: dict[bytes, bytes] = {}
        self._shift = b""
        self._attributes.reset()

    def feed(self, data: bytes) -> None:
        """Follow `data`, which comes after what was fed before."""
        if self._pending:
            data = self._pending + data
        begin = _pending_from(data)
        self._pending = _shortened(data[begin:])
        whole = data[:begin]
        if any(sign in whole for sign in _WORTH_SCANNING):
            self._follow(whole)

    def clone(self) -> "ModeTracker":
        """Return a tracker of its own in the same state."""
        return copy.deepcopy(self)

    def sequence(self) -> bytes:
        """Return the bytes that put a terminal into this state, the beginning of a cut sequence included."""
        parts = [
            b"\x1b[?%dh" % self._alternate_screen if self._alternate_screen else _TO_MAIN_SCREEN,
            _DEFAULTS,
            *(b"\x1b[?%d%c" % (mode, b"h" if on else b"l") for mode, on in self._changed_modes()),
            *(b"\x1b[?%dh" % mode for mode in (self._mouse_protocol, self._mouse_encoding) if mode),
            b"\x1b[%dh" % _INSERT if self._insert else b"",
            b"\x1b[%dh" % _NEW_LINE if self._new_line else b"",
            b"\x1b=" if self._keypad else b"",
            b"\x1b[%br" % self._margins if self._margins else b"",
            b"\x1b[%b q" % self._cursor_style if self._cursor_style else b"",
            *(b"\x1b" + slot + charset for slot, charset in self._charsets.items()),
            self._shift,
            self._attributes.sequence(),
            b"\x1b]2;%b\x07" % self._title if self._title is not None else b"",
            self._pending,
        ]
        return b"".join(parts)

    def _changed_modes(self) -> list[tuple[int, bool]]:
        return [(mode, on) for mode, on in self._private.items() if on is not _AT_START.get(mode, False)]

    # --- sequences
    # ---------------------------------------------------------------------------------------------

    def _follow(self, data: bytes) -> None:
        attributes_from = 0
        for match in _SCAN.finditer(data):
            name = match.lastgroup
            if name is None:
                continue
            value = match[name]
            if name == "soft" or (name == "escape" and value == b"c"):
                attributes_from = match.end()
            self._HANDLERS[name](self, value)
        self._attributes.feed(data, attributes_from)

    def _shifted(self, value: bytes) -> None:
        self._shift = b"" if value == b"\x0f" else value

    def _private_modes(self, value: bytes) -> None:
        for number in _numbers(value[:-1]):
            self._private_mode(number, value.endswith(b"h"))

    def _private_mode(self, mode: int, on: bool) -> None:
        if mode in _ALTERNATE_SCREENS:
            self._alternate_screen = mode if on else 0
        elif mode in _MOUSE_PROTOCOLS:
            self._mouse_protocol = mode if on else 0
        elif mode in _MOUSE_ENCODINGS:
            self._mouse_encoding = mode if on else 0
        elif mode == _KEYPAD:
            self._keypad = on
        elif mode in _PRIVATE_MODES:
            self._private[mode] = on

    def _ansi_modes(self, value: bytes) -> None:
        numbers, on = _numbers(value[:-1]), value.endswith(b"h")
        if _INSERT in numbers:
            self._insert = on
        if _NEW_LINE in numbers:
            self._new_line = on

    def _margins_set(self, value: bytes) -> None:
        numbers = _numbers(value)[:2]
        self._margins = b";".join(b"%d" % number for number in numbers) if any(numbers) else b""

    def _cursor_styled(self, value: bytes) -> None:
        self._cursor_style = value[:2]

    def _soft_reset_asked(self, value: bytes) -> None:
        self._soft_reset()

    def _escaped(self, value: bytes) -> None:
        if value == b"c":
            self._reset()
        elif value in b"=>":
            self._keypad = value == b"="
        else:
            self._shift = b"\x1b" + value

    def _charset_chosen(self, value: bytes) -> None:
        slot, charset = value[:1], value[1:]
        if charset == _ASCII or len(charset) > 3:
            self._charsets.pop(slot, None)
        else:
            self._charsets[slot] = charset

    def _titled(self, value: bytes) -> None:
        self._title = value if len(value) <= LONGEST_TITLE else None

    _HANDLERS = {
        "shift": _shifted,
        "private": _private_modes,
        "ansi": _ansi_modes,
        "margins": _margins_set,
        "cursor": _cursor_styled,
        "soft": _soft_reset_asked,
        "escape": _escaped,
        "charset": _charset_chosen,
        "title": _titled,
    }


def _numbers(parameters: bytes) -> list[int]:
    """Return the parameters of a sequence; one that is left out or absurdly long is 0."""
    return [int(part) if 0 < len(part) <= 5 else 0 for part in parameters.split(b";")[:32]]


def _pending_from(data: bytes) -> int:
    """Return where a sequence or a character begins that `data` cuts; its length if it cuts none."""
    last = data.rfind(b"\x1b")
    if last >= 0 and _INCOMPLETE.fullmatch(data, last):
        return last
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            length = 1 if byte < 0xC2 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4 if byte < 0xF5 else 1
            return len(data) - back if length > back else len(data)
    return len(data)


def _shortened(pending: bytes) -> bytes:
    """Return the cut sequence, or a short one that terminals ignore in its place if it is too long to keep."""
    if len(pending) <= LONGEST_PENDING:
        return pending
    return _TOO_LONG.get(pending[1:2], pending[:2])

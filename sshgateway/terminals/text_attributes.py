"""The attributes with which a terminal prints (bold, colours, ...), followed through SGR sequences. Pure."""

import re

_SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
_RESETS = (b"\x1b[m", b"\x1b[0m")
# Attributes that were set longer ago than this, with no reset since, are not looked for: that bounds the cost per byte.
LONGEST_LOOK_BACK = 4096
MOST_PARAMETERS = 32

# What each parameter sets, and what switches it off.
_SETS = {
    1: "bold",
    2: "faint",
    3: "italic",
    4: "underline",
    5: "blink",
    6: "blink",
    7: "inverse",
    8: "hidden",
    9: "struck",
    21: "underline",
    53: "overline",
    38: "foreground",
    48: "background",
    58: "line colour",
    **dict.fromkeys((*range(30, 38), *range(90, 98)), "foreground"),
    **dict.fromkeys((*range(40, 48), *range(100, 108)), "background"),
}
_CLEARS = {
    22: ("bold", "faint"),
    23: ("italic",),
    24: ("underline",),
    25: ("blink",),
    27: ("inverse",),
    28: ("hidden",),
    29: ("struck",),
    39: ("foreground",),
    49: ("background",),
    55: ("overline",),
    59: ("line colour",),
}
_EXTENDED_COLOURS = (38, 48, 58)
# How many parameters follow a colour: 5 is an index, 2 is red, green and blue.
_COLOUR_LENGTHS = {b"5": 2, b"2": 4}


class TextAttributes:
    """The attributes in force after the output that was fed. Memory is bounded: one value for each kind."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def reset(self) -> None:
        """Go back to plain text."""
        self._values.clear()

    def feed(self, data: bytes, begin: int = 0) -> None:
        """Follow the sequences of `data` from `begin` on. No sequence may be cut at its end."""
        reset = max(data.rfind(plain, begin) for plain in _RESETS)
        begin = max(begin, reset, len(data) - LONGEST_LOOK_BACK)
        for match in _SGR.finditer(data, begin):
            self._apply(match[1].split(b";")[:MOST_PARAMETERS])

    def sequence(self) -> bytes:
        """Return the sequence that sets them; empty for plain text."""
        return b"\x1b[%bm" % b";".join(self._values.values()) if self._values else b""

    def _apply(self, parameters: list[bytes]) -> None:
        at = 0
        while at < len(parameters):
            length = self._apply_one(parameters, at)
            at += length

    def _apply_one(self, parameters: list[bytes], at: int) -> int:
        """Apply the parameter at `at`; return how many parameters it consists of."""
        head, *details = parameters[at].split(b":")
        number = int(head[:4] or b"0")
        length = 1
        if number in _EXTENDED_COLOURS and not details:
            length = 1 + _COLOUR_LENGTHS.get(b"".join(parameters[at + 1 : at + 2]), 0)
            if not 1 < length <= len(parameters) - at:
                return len(parameters)  # as terminals do: the rest means nothing
        value = b";".join(parameter[:24] for parameter in parameters[at : at + length])
        if number == 0 or parameters[at] == b"4:0":
            self._clear(tuple(self._values) if number == 0 else ("underline",))
        elif number in _CLEARS:
            self._clear(_CLEARS[number])
        elif number in _SETS:
            self._values[_SETS[number]] = value
        return length

    def _clear(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._values.pop(name, None)

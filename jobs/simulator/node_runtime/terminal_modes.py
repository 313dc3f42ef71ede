"""Give a terminal the modes of an SSH client's own terminal. Part of what runs inside a node: standard library only."""

from __future__ import annotations

import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# RFC 4254 section 8: terminal modes that a client may send, by number.
CONTROL_CHARACTERS = {
    1: "VINTR", 2: "VQUIT", 3: "VERASE", 4: "VKILL", 5: "VEOF", 6: "VEOL", 7: "VEOL2", 8: "VSTART",
    9: "VSTOP", 10: "VSUSP", 12: "VREPRINT", 13: "VWERASE", 14: "VLNEXT", 18: "VDISCARD",
}  # fmt: skip
MODE_FLAGS = {
    30: (0, "IGNPAR"), 31: (0, "PARMRK"), 32: (0, "INPCK"), 33: (0, "ISTRIP"), 34: (0, "INLCR"),
    35: (0, "IGNCR"), 36: (0, "ICRNL"), 38: (0, "IXON"), 39: (0, "IXANY"), 40: (0, "IXOFF"),
    41: (0, "IMAXBEL"), 42: (0, "IUTF8"), 50: (3, "ISIG"), 51: (3, "ICANON"), 53: (3, "ECHO"),
    54: (3, "ECHOE"), 55: (3, "ECHOK"), 56: (3, "ECHONL"), 57: (3, "NOFLSH"), 58: (3, "TOSTOP"),
    59: (3, "IEXTEN"), 60: (3, "ECHOCTL"), 61: (3, "ECHOKE"), 62: (3, "PENDIN"), 70: (1, "OPOST"),
    72: (1, "ONLCR"), 73: (1, "OCRNL"), 74: (1, "ONOCR"), 75: (1, "ONLRET"),
}  # fmt: skip
IUTF8 = 0x4000  # termios names it only from Python 3.13 on; the value is Linux's


def set_modes(terminal: int, modes: dict[str, int]) -> None:
    """Set the modes (erase key, UTF-8, echo and so on) by their RFC 4254 numbers. Unknown ones are ignored."""
    attributes: list[Any] = termios.tcgetattr(terminal)
    for code, value in modes.items():
        number = int(code)
        if number in CONTROL_CHARACTERS:
            index = getattr(termios, CONTROL_CHARACTERS[number], None)
            if index is not None and 0 <= value < 256:
                attributes[6][index] = b"\0" if value == 255 else bytes([value])
        elif number in MODE_FLAGS:
            field, name = MODE_FLAGS[number]
            flag = IUTF8 if name == "IUTF8" else getattr(termios, name, 0)
            attributes[field] = attributes[field] | flag if value else attributes[field] & ~flag
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)

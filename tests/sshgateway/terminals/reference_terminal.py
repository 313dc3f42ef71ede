"""A terminal's parser written byte by byte, with the modes it ends up in: what a mode tracker is compared with."""

from dataclasses import dataclass, field

ESC, BEL, CAN, SUB, SO, SI = 0x1B, 0x07, 0x18, 0x1A, 0x0E, 0x0F
MOUSE = ("9", "1000", "1002", "1003")
ENCODINGS = ("1005", "1006", "1015", "1016")
SCREENS = ("47", "1047", "1049")
SOFTLY_RESET = ("1", "6", "7", "25", "45", "1004", "2004")
DEFAULT_ON = ("7", "25")
PRIVATE = (*SOFTLY_RESET, "5", "1007")


@dataclass
class ReferenceTerminal:
    """Feed it bytes; compare `state()`."""

    parser: str = "rest"
    collected: bytes = b""
    screen: str = "main"
    mouse: str = ""
    encoding: str = ""
    private: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(DEFAULT_ON, True))
    insert: bool = False
    new_line: bool = False
    keypad: bool = False
    margins: bytes = b""
    cursor: bytes = b""
    charsets: dict[bytes, bytes] = field(default_factory=dict)
    shift: bytes = b""
    bold: bool = False
    colour: bytes = b""
    title: bytes = b""
    text: bytes = b""
    # Whether a sequence had a character that is not ASCII or not printable in it. Terminals differ about those.
    unusual: bool = False

    def state(self) -> dict[str, object]:
        """Everything but the text and a cursor style that was named as it is by itself."""
        fields = {name: value for name, value in vars(self).items() if name not in ("text", "unusual")}
        fields["private"] = {mode: on for mode, on in self.private.items() if on is not (mode in DEFAULT_ON)}
        fields["collected"] = self.collected if self.parser != "rest" else b""
        return fields

    def feed(self, data: bytes) -> None:
        for byte in data:
            self._byte(byte)

    def _byte(self, byte: int) -> None:
        one = bytes((byte,))
        if self.parser in ("escape", "csi") and not 0x20 <= byte < 0x7F and byte not in (CAN, SUB, ESC):
            self.unusual = True
        if byte in (CAN, SUB):
            self.parser = "rest"
        elif byte == ESC:
            if self.parser == "]":
                self._osc()
            self.parser, self.collected = "escape", b""
        elif self.parser == "rest":
            if byte in (SO, SI):
                self.shift = b"" if byte == SI else one
            self.text += one
        elif self.parser in ("P", "X", "^", "_"):
            pass
        elif self.parser == "]":
            if byte == BEL:
                self._osc()
                self.parser = "rest"
            else:
                self.collected += one
        elif self.parser == "csi":
            self.collected += one
            if byte >= 0x40:
                self.parser = "rest"
                self._csi(self.collected[:-1], chr(byte))
        elif not self.collected and one in (b"[", b"]", b"P", b"X", b"^", b"_"):
            self.parser = "csi" if one == b"[" else chr(byte)
        elif 0x20 <= byte <= 0x2F:
            self.collected += one
        else:
            self.parser = "rest"
            self._escape(self.collected + one)

    def _osc(self) -> None:
        number, _, value = self.collected.partition(b";")
        if number in (b"0", b"2") and b";" in self.collected:
            self.title = value

    def _escape(self, sequence: bytes) -> None:
        if sequence == b"c":
            title, text = self.title, self.text
            self.__init__()  # type: ignore[misc]
            self.title, self.text = title, text
        elif sequence in (b"=", b">"):
            self.keypad = sequence == b"="
        elif sequence in (b"n", b"o"):
            self.shift = sequence
        elif len(sequence) > 1 and sequence[:1] in b"()*+-./":
            self.charsets.pop(sequence[:1], None)
            if sequence[1:] != b"B":
                self.charsets[sequence[:1]] = sequence[1:]

    def _csi(self, body: bytes, final: str) -> None:
        parameters = body.lstrip(b"?").split(b";")
        if final in "hl":
            for parameter in parameters:
                self._mode(parameter.decode(), final == "h", private=body.startswith(b"?"))
        elif final == "r":
            self.margins = body.strip(b";") if body.strip(b";0") else b""
        elif final == "q" and body.endswith(b" "):
            self.cursor = body[:-1].lstrip(b"0")
        elif final == "p" and body == b"!":
            self._soft_reset()
        elif final == "m":
            self._attributes(parameters)

    def _mode(self, mode: str, on: bool, *, private: bool) -> None:
        if not private:
            self.insert = on if mode == "4" else self.insert
            self.new_line = on if mode == "20" else self.new_line
        elif mode in SCREENS:
            self.screen = "alternate" if on else "main"
        elif mode in MOUSE:
            self.mouse = mode if on else ""
        elif mode in ENCODINGS:
            self.encoding = mode if on else ""
        elif mode == "66":
            self.keypad = on
        elif mode in PRIVATE:
            self.private[mode] = on

    def _soft_reset(self) -> None:
        for mode in SOFTLY_RESET:
            self.private[mode] = mode in DEFAULT_ON
        self.insert = self.keypad = self.bold = False
        self.margins = self.shift = self.colour = b""
        self.charsets = {}

    def _attributes(self, parameters: list[bytes]) -> None:
        while parameters:
            parameter = parameters.pop(0)
            if parameter in (b"", b"0"):
                self.bold, self.colour = False, b""
            elif parameter in (b"1", b"22"):
                self.bold = parameter == b"1"
            elif parameter == b"39":
                self.colour = b""
            elif parameter == b"38":
                size = 2 if parameters[0] == b"5" else 4
                self.colour = b";".join([parameter, *parameters[:size]])
                del parameters[:size]
            elif parameter[:1] in b"39" and len(parameter) == 2:
                self.colour = parameter

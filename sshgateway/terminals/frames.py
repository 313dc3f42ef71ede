"""The frames of the terminal protocol: bytes to values and back. Pure; docs/terminal-protocol.md is its words.

A frame is one binary websocket message: an opcode byte and a payload. Numbers are unsigned, big-endian.
Offsets count the bytes the shell has printed since it started, so they mean the same on every socket of a
session. `decode` checks form and ranges; whether an offset can be right is for `attachment` to say.
"""

import json
import struct
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, TypeAlias

PROTOCOL_VERSION = 1
MAX_INPUT = 64 * 1024
MAX_FRAME = MAX_INPUT + 1
MAX_PING = 64
MAX_SIZE = 1000
SUBPROTOCOL = "headnode-terminal.v1"


class Opcode(IntEnum):
    """First byte of a frame. The high bit says that it comes from the server."""

    HELLO = 0x01
    INPUT = 0x02
    RESIZE = 0x03
    ACK = 0x04
    PING = 0x05
    CLOSE = 0x06
    READY = 0x81
    OUTPUT = 0x82
    NOTICE = 0x83
    END = 0x84
    PONG = 0x85
    INPUT_ACK = 0x86
    SITUATION = 0x87
    IDLE = 0x88


class BadFrame(Exception):
    """A frame that is none. `reason` is a stable word, the text a sentence for whoever writes the client."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Hello:
    """Client: let me in; I have everything before `offset`; my terminal has this size."""

    offset: int
    cols: int
    rows: int
    version: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class Input:
    """Client: what was typed."""

    data: bytes


@dataclass(frozen=True)
class Resize:
    """Client: the terminal's new size."""

    cols: int
    rows: int


@dataclass(frozen=True)
class Ack:
    """Client: everything before `offset` is on the screen."""

    offset: int


@dataclass(frozen=True)
class Ping:
    """Client: are you there? The payload comes back in PONG."""

    payload: bytes = b""


@dataclass(frozen=True)
class Close:
    """Client: end the shell for good."""


@dataclass(frozen=True)
class Ready:
    """Server: you are in. `offset` is where OUTPUT will begin; `skipped` bytes before it are no longer kept.

    `printed`: so much the shell had printed by then. What comes before is told a second time to whoever had nothing.
    """

    session: str
    node: str
    label: str
    principal: str
    address: str
    port: int
    fingerprint: str
    offset: int
    skipped: int
    printed: int
    window: int
    input_window: int


@dataclass(frozen=True)
class Output:
    """Server: what the shell printed, from `offset` on."""

    offset: int
    data: bytes


@dataclass(frozen=True)
class Notice:
    """Server: a sentence for the person, not from the shell."""

    message: str


@dataclass(frozen=True)
class Ended:
    """Server: the last frame. With `final` the shell is gone; without, only this socket may not stay."""

    reason: str
    message: str
    final: bool = True
    exit_status: int | None = None


@dataclass(frozen=True)
class Pong:
    """Server: PING's payload."""

    payload: bytes = b""


@dataclass(frozen=True)
class InputAck:
    """Server: of this socket's INPUT, this many bytes in all were passed to the shell."""

    total: int


@dataclass(frozen=True)
class Presence:
    """A person in a terminal: since when (RFC 3339), in how many windows, from where (told to its owner only)."""

    name: str
    role: str
    may_type: bool
    since: str
    windows: int
    address: str | None = None


@dataclass(frozen=True)
class Situation:
    """Server: how things stand, after READY and whenever that changes. `people` are those attached, you included.

    `answers`: whether this window answers what programs ask their terminal; of all windows one does.
    """

    role: str
    name: str
    owner: str
    may_type: bool
    answers: bool
    recorded: bool
    cols: int
    rows: int
    people: tuple[Presence, ...] = ()


@dataclass(frozen=True)
class Idle:
    """Server: nobody typed for long; the shell ends in so many seconds unless somebody does. None: somebody did."""

    seconds_left: int | None


ClientFrame: TypeAlias = Hello | Input | Resize | Ack | Ping | Close
ServerFrame: TypeAlias = Ready | Output | Notice | Ended | Pong | InputAck | Situation | Idle

# Looked up once: these come with every key.
_INPUT, _ACK, _OUTPUT = int(Opcode.INPUT), int(Opcode.ACK), int(Opcode.OUTPUT)
_OUTPUT_HEAD = struct.Struct(">BQ")
_HELLO = struct.Struct(">BQHH")
_SIZE = struct.Struct(">HH")
_OFFSET = struct.Struct(">Q")


def typed(frame: bytes) -> bytes | None:
    """What was typed, where that is what the frame brings: the same as `decode`, sooner."""
    return frame[1:] if frame and frame[0] == _INPUT and len(frame) <= MAX_FRAME else None


def decode(frame: bytes) -> ClientFrame:
    """Read a client's frame. Raises BadFrame for anything that is not exactly one."""
    if not frame:
        raise BadFrame("empty_frame", "A frame has at least its opcode byte.")
    if len(frame) > MAX_FRAME:
        raise BadFrame("frame_too_big", f"A frame has at most {MAX_FRAME} bytes; split the input.")
    opcode, payload = frame[0], frame[1:]
    if opcode == _INPUT:
        return Input(payload)
    if opcode == _ACK:
        return Ack(_unpack(_OFFSET, payload, "ACK")[0])
    if opcode == Opcode.RESIZE:
        cols, rows = _unpack(_SIZE, payload, "RESIZE")
        return Resize(*_size(cols, rows))
    if opcode == Opcode.PING:
        if len(payload) > MAX_PING:
            raise BadFrame("bad_ping", f"PING carries at most {MAX_PING} bytes.")
        return Ping(payload)
    if opcode == Opcode.HELLO:
        version, offset, cols, rows = _unpack(_HELLO, payload, "HELLO")
        if version != PROTOCOL_VERSION:
            raise BadFrame("bad_version", f"This server speaks version {PROTOCOL_VERSION}, not {version}.")
        return Hello(offset, *_size(cols, rows))
    if opcode == Opcode.CLOSE:
        _unpack(struct.Struct(""), payload, "CLOSE")
        return Close()
    raise BadFrame("unknown_opcode", f"0x{opcode:02x} is no frame a client may send.")


def encode(frame: ServerFrame) -> bytes:
    """Write a server's frame."""
    if isinstance(frame, Output):
        return _OUTPUT_HEAD.pack(_OUTPUT, frame.offset) + frame.data
    match frame:
        case Ready():
            return bytes((Opcode.READY,)) + _json({"version": PROTOCOL_VERSION, **_camel(asdict(frame))})
        case Notice(message):
            return bytes((Opcode.NOTICE,)) + message.encode()
        case Ended():
            return bytes((Opcode.END,)) + _json(_camel(asdict(frame)))
        case Situation():
            people = [_camel(asdict(one)) for one in frame.people]
            return bytes((Opcode.SITUATION,)) + _json({**_camel(asdict(frame)), "people": people})
        case Idle():
            return bytes((Opcode.IDLE,)) + _json(_camel(asdict(frame)))
        case Pong(payload):
            return bytes((Opcode.PONG,)) + payload
        case InputAck(total):
            return bytes((Opcode.INPUT_ACK,)) + _OFFSET.pack(total)


def encode_client(frame: ClientFrame) -> bytes:
    """Write a client's frame, for clients in Python."""
    match frame:
        case Hello(offset, cols, rows, version):
            return bytes((Opcode.HELLO,)) + _HELLO.pack(version, offset, cols, rows)
        case Input(data):
            return bytes((Opcode.INPUT,)) + data
        case Resize(cols, rows):
            return bytes((Opcode.RESIZE,)) + _SIZE.pack(cols, rows)
        case Ack(offset):
            return bytes((Opcode.ACK,)) + _OFFSET.pack(offset)
        case Ping(payload):
            return bytes((Opcode.PING,)) + payload
        case Close():
            return bytes((Opcode.CLOSE,))


def decode_server(frame: bytes) -> ServerFrame:
    """Read a server's frame, for clients in Python. The server is trusted to send whole ones."""
    opcode, payload = Opcode(frame[0]), frame[1:]
    if opcode is Opcode.OUTPUT:
        return Output(_OFFSET.unpack(payload[:8])[0], payload[8:])
    if opcode is Opcode.READY:
        fields = _snake(json.loads(payload))
        fields.pop("version")
        return Ready(**fields)
    if opcode is Opcode.NOTICE:
        return Notice(payload.decode())
    if opcode is Opcode.END:
        return Ended(**_snake(json.loads(payload)))
    if opcode is Opcode.PONG:
        return Pong(payload)
    if opcode is Opcode.INPUT_ACK:
        return InputAck(_OFFSET.unpack(payload)[0])
    if opcode is Opcode.SITUATION:
        told = json.loads(payload)
        people = tuple(Presence(**_snake(one)) for one in told.pop("people"))
        return Situation(**_snake(told), people=people)
    if opcode is Opcode.IDLE:
        return Idle(**_snake(json.loads(payload)))
    raise BadFrame("unknown_opcode", f"{opcode.name} is no frame a server sends.")


def _unpack(form: struct.Struct, payload: bytes, name: str) -> tuple[int, ...]:
    if len(payload) != form.size:
        raise BadFrame(f"bad_{name.lower()}", f"{name} carries {form.size} bytes, not {len(payload)}.")
    return form.unpack(payload)


def _size(cols: int, rows: int) -> tuple[int, int]:
    if not (1 <= cols <= MAX_SIZE and 1 <= rows <= MAX_SIZE):
        raise BadFrame("bad_size", f"A terminal has 1 to {MAX_SIZE} columns and rows, not {cols} x {rows}.")
    return cols, rows


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _camel(fields: dict[str, Any]) -> dict[str, Any]:
    def name(snake: str) -> str:
        head, *tail = snake.split("_")
        return head + "".join(word.title() for word in tail)

    return {name(key): value for key, value in fields.items()}


def _snake(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in key): value for key, value in fields.items()
    }

"""Encode and decode the frames of the terminal protocol. Pure; docs/terminal-protocol.md describes the protocol.

A frame is one binary websocket message: an opcode byte and a payload. Numbers are unsigned, big-endian. Offsets count
the bytes that the shell has printed since it started, so they mean the same on every socket of a session. `decode`
checks form and ranges; whether an offset is possible is up to `Attachment`.
"""

import json
import struct
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from sshgateway.terminals.frame_faults import BadFrame, FrameFault

PROTOCOL_VERSION = 1
MAX_INPUT = 64 * 1024
MAX_FRAME = MAX_INPUT + 1
MAX_PING = 64
MAX_SIZE = 1000
SUBPROTOCOL = "headnode-terminal.v1"


class Opcode(IntEnum):
    """The first byte of a frame. The high bit marks frames from the server."""

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
    PRESENCE = 0x87
    IDLE = 0x88


@dataclass(frozen=True)
class Hello:
    """Client: attach me; I have everything before `offset`; my terminal has this size."""

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
    """Client: everything before `offset` was drawn."""

    offset: int


@dataclass(frozen=True)
class Ping:
    """Client: a request for PONG with the same payload."""

    payload: bytes = b""


@dataclass(frozen=True)
class Close:
    """Client: end the shell for good."""


@dataclass(frozen=True)
class Ready:
    """Server: attached. `offset` is where OUTPUT will begin; `skipped` bytes before it are no longer kept.

    `printed` is how much the shell had printed by then. A client that starts at 0 receives what comes before again.
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
    """Server: the last frame. With `final` the shell has ended; without, only this socket is closed."""

    reason: str
    message: str
    final: bool = True
    exit_status: int | None = None


@dataclass(frozen=True)
class Pong:
    """Server: the answer to PING, with its payload."""

    payload: bytes = b""


@dataclass(frozen=True)
class InputAck:
    """Server: how many bytes of this socket's INPUT were passed to the shell in all."""

    total: int


@dataclass(frozen=True)
class PresentPerson:
    """A person in a terminal: since when (RFC 3339), in how many windows, and from which address (not for guests)."""

    name: str
    role: str
    may_type: bool
    since: str
    windows: int
    address: str | None = None


@dataclass(frozen=True)
class Presence:
    """Server: who is attached and what this client may do; sent after READY and on every change.

    `answers` says whether this window answers the queries that programs send to their terminal; one window does.
    """

    role: str
    name: str
    owner: str
    may_type: bool
    answers: bool
    recorded: bool
    cols: int
    rows: int
    people: tuple[PresentPerson, ...] = ()


@dataclass(frozen=True)
class Idle:
    """Server: the shell ends in `seconds_left` unless somebody types. None: somebody typed."""

    seconds_left: int | None


ClientFrame: TypeAlias = Hello | Input | Resize | Ack | Ping | Close
ServerFrame: TypeAlias = Ready | Output | Notice | Ended | Pong | InputAck | Presence | Idle

# Looked up once: these come with every keystroke.
_INPUT, _ACK, _OUTPUT = int(Opcode.INPUT), int(Opcode.ACK), int(Opcode.OUTPUT)
_OUTPUT_HEAD = struct.Struct(">BQ")
_HELLO = struct.Struct(">BQHH")
_SIZE = struct.Struct(">HH")
_OFFSET = struct.Struct(">Q")


def input_data(frame: bytes) -> bytes | None:
    """Return what was typed if this is an INPUT frame, else None: a shortcut past `decode` for keystrokes."""
    return frame[1:] if frame and frame[0] == _INPUT and len(frame) <= MAX_FRAME else None


def decode(frame: bytes) -> ClientFrame:
    """Decode a client's frame. Raises BadFrame for anything else."""
    if not frame:
        raise BadFrame(FrameFault.EMPTY_FRAME, "A frame has at least its opcode byte.")
    if len(frame) > MAX_FRAME:
        raise BadFrame(FrameFault.FRAME_TOO_BIG, f"A frame has at most {MAX_FRAME} bytes; split the input.")
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
            raise BadFrame(FrameFault.BAD_PING, f"PING carries at most {MAX_PING} bytes.")
        return Ping(payload)
    if opcode == Opcode.HELLO:
        version, offset, cols, rows = _unpack(_HELLO, payload, "HELLO")
        if version != PROTOCOL_VERSION:
            raise BadFrame(
                FrameFault.BAD_VERSION, f"This server speaks version {PROTOCOL_VERSION}, not {version}."
            )
        return Hello(offset, *_size(cols, rows))
    if opcode == Opcode.CLOSE:
        _unpack(struct.Struct(""), payload, "CLOSE")
        return Close()
    raise BadFrame(FrameFault.UNKNOWN_OPCODE, f"0x{opcode:02x} is not a frame that a client may send.")


def encode(frame: ServerFrame) -> bytes:
    """Encode a server's frame."""
    if isinstance(frame, Output):
        return _OUTPUT_HEAD.pack(_OUTPUT, frame.offset) + frame.data
    match frame:
        case Ready():
            return bytes((Opcode.READY,)) + _json({"version": PROTOCOL_VERSION, **_camel(asdict(frame))})
        case Notice(message):
            return bytes((Opcode.NOTICE,)) + message.encode()
        case Ended():
            return bytes((Opcode.END,)) + _json(_camel(asdict(frame)))
        case Presence():
            people = [_camel(asdict(person)) for person in frame.people]
            return bytes((Opcode.PRESENCE,)) + _json({**_camel(asdict(frame)), "people": people})
        case Idle():
            return bytes((Opcode.IDLE,)) + _json(_camel(asdict(frame)))
        case Pong(payload):
            return bytes((Opcode.PONG,)) + payload
        case InputAck(total):
            return bytes((Opcode.INPUT_ACK,)) + _OFFSET.pack(total)


def encode_client(frame: ClientFrame) -> bytes:
    """Encode a client's frame, for clients in Python."""
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
    """Decode a server's frame, for clients in Python. The server is trusted to send well-formed ones."""
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
    if opcode is Opcode.PRESENCE:
        fields = json.loads(payload)
        people = tuple(PresentPerson(**_snake(person)) for person in fields.pop("people"))
        return Presence(**_snake(fields), people=people)
    if opcode is Opcode.IDLE:
        return Idle(**_snake(json.loads(payload)))
    raise BadFrame(FrameFault.UNKNOWN_OPCODE, f"{opcode.name} is no frame a server sends.")


def _unpack(form: struct.Struct, payload: bytes, name: str) -> tuple[int, ...]:
    if len(payload) != form.size:
        raise BadFrame(
            FrameFault(f"bad_{name.lower()}"), f"{name} carries {form.size} bytes, not {len(payload)}."
        )
    return form.unpack(payload)


def _size(cols: int, rows: int) -> tuple[int, int]:
    if not (1 <= cols <= MAX_SIZE and 1 <= rows <= MAX_SIZE):
        raise BadFrame(
            FrameFault.BAD_SIZE, f"A terminal has 1 to {MAX_SIZE} columns and rows, not {cols} x {rows}."
        )
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

"""Why a client's frame is refused: the stable words of close code 4400. Pure; docs/terminal-protocol.md lists them."""

from enum import StrEnum


class FrameFault(StrEnum):
    """What is wrong with a frame, or with the moment it was sent."""

    # Malformed.
    TEXT_FRAME = "text_frame"
    EMPTY_FRAME = "empty_frame"
    FRAME_TOO_BIG = "frame_too_big"
    UNKNOWN_OPCODE = "unknown_opcode"
    BAD_HELLO = "bad_hello"
    BAD_VERSION = "bad_version"
    BAD_RESIZE = "bad_resize"
    BAD_SIZE = "bad_size"
    BAD_ACK = "bad_ack"
    BAD_PING = "bad_ping"
    BAD_CLOSE = "bad_close"
    # At the wrong time.
    SECOND_HELLO = "second_hello"
    NOT_READY = "not_ready"
    # Impossible, or too much.
    BAD_OFFSET = "bad_offset"
    INPUT_OVERFLOW = "input_overflow"
    TOO_MANY_SOCKETS = "too_many_sockets"
    # Not for this person.
    VIEW_ONLY = "view_only"
    NOT_OWNER = "not_owner"


class BadFrame(Exception):
    """A malformed or misplaced frame. `reason` is for programs, the text is for the author of the client."""

    def __init__(self, reason: FrameFault, message: str) -> None:
        super().__init__(message)
        self.reason = reason

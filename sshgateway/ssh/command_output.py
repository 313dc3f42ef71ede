"""Run a command's input and outputs over one paramiko channel until the command ends. Blocking."""

import select
import time
from dataclasses import dataclass

import paramiko

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Result:
    """The outcome of a command. An exit status of -1 means that a signal ended it."""

    exit_status: int
    stdout: bytes
    stderr: bytes


class TimeUp(Exception):
    """The command did not end in time."""


class TooLong(Exception):
    """The command printed more than its limit."""


def _send(channel: paramiko.Channel, data: bytes) -> int:
    try:
        return channel.send(data)
    except OSError:
        return 0  # the command ended without reading all of it, as `head` does


def collect_output(channel: paramiko.Channel, stdin: bytes, deadline: float, limit: int) -> Result:
    """Feed stdin and collect both outputs as they arrive, so that neither side waits for the other.

    `deadline` is a time of `time.monotonic`, `limit` in bytes of both outputs. Raises TimeUp, TooLong, or EOFError when
    the connection broke.
    """
    out, err = bytearray(), bytearray()
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    channel.settimeout(0.0)
    unsent = memoryview(stdin)
    if not unsent:
        channel.shutdown_write()
    while True:
        while unsent and not channel.closed and channel.send_ready():
            unsent = unsent[_send(channel, unsent[:CHUNK].tobytes()) :]
            if not unsent:
                channel.shutdown_write()
        if channel.closed:
            unsent = memoryview(b"")
        while channel.recv_ready():
            out += channel.recv(CHUNK)
        while channel.recv_stderr_ready():
            err += channel.recv_stderr(CHUNK)
        if len(out) + len(err) > limit:
            raise TooLong
        if channel.eof_received or channel.closed:
            if not channel.recv_ready() and not channel.recv_stderr_ready():
                break
            continue
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeUp
        # paramiko has no event for a send window that opens again: while there is something to send, look often.
        poll.poll(min(left, 0.02 if unsent else left) * 1000)
    # The exit status may arrive a moment after the end of the output.
    if not channel.status_event.wait(max(deadline - time.monotonic(), 0.5)):
        raise TimeUp
    if channel.exit_status == -1 and not channel.get_transport().is_active():
        raise EOFError
    return Result(channel.exit_status, bytes(out), bytes(err))

"""An SFTP client that lists directories and resolves paths as bytes.

paramiko's own methods want every name to be UTF-8. Methods that only send a path take bytes already.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import paramiko
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_HANDLE,
    CMD_NAME,
    CMD_OPENDIR,
    CMD_READDIR,
    CMD_READLINK,
    CMD_REALPATH,
)
from paramiko.sftp_attr import SFTPAttributes


def write_whole(target: paramiko.SFTPFile, chunks: Iterable[bytes]) -> int:
    """Write the chunks without a wait after each, and return their size once the server has taken them all.

    Raises OSError. paramiko drops the answers that are still open when a file is closed, and with them the news that
    a disk is full. So the last chunk is written with waiting: that asks for the answers to all before it, too.
    """
    size, last = 0, b""
    target.set_pipelined(True)
    for chunk in filter(None, chunks):
        if last:
            target.write(last)
        size, last = size + len(chunk), chunk
    target.set_pipelined(False)
    if last:
        target.write(last)
    return size


class SFTP(paramiko.SFTPClient):
    """paramiko's client, with names as they are."""

    @property
    def is_open(self) -> bool:
        """Whether the server still serves: if not, errors say nothing about files."""
        channel = self.get_channel()
        return channel is not None and not channel.closed

    def list_directory(self, path: bytes) -> Iterator[tuple[bytes, SFTPAttributes]]:
        """Yield the names in a directory, as they are, with their attributes. Raises OSError, paramiko.SFTPError."""
        kind, message = self._ask(CMD_OPENDIR, path)
        if kind != CMD_HANDLE:
            raise paramiko.SFTPError("no handle of a directory")
        handle = message.get_binary()
        try:
            while True:
                try:
                    kind, message = self._ask(CMD_READDIR, handle)
                except EOFError:
                    return
                if kind != CMD_NAME:
                    raise paramiko.SFTPError("no names")
                for _ in range(message.get_int()):
                    name, long_name = message.get_binary(), message.get_binary()
                    attributes = SFTPAttributes._from_msg(message, name, long_name)  # type: ignore[attr-defined]  # no public way
                    if name not in (b".", b".."):
                        yield name, attributes
        finally:
            self._ask(CMD_CLOSE, handle)

    def real_path(self, path: bytes) -> bytes:
        """Return the path without links. Raises OSError, paramiko.SFTPError."""
        return self._one_name(CMD_REALPATH, path)

    def read_link(self, path: bytes) -> bytes:
        """Return where a link leads, as it was written. Raises OSError, paramiko.SFTPError."""
        return self._one_name(CMD_READLINK, path)

    def _one_name(self, command: int, path: bytes) -> bytes:
        kind, message = self._ask(command, path)
        if kind != CMD_NAME or message.get_int() != 1:
            raise paramiko.SFTPError("no path")
        name: bytes = message.get_binary()
        return name

    def _ask(self, kind: int, argument: bytes) -> tuple[int, Any]:
        answer: tuple[int, Any] = self._request(kind, argument)  # type: ignore[attr-defined]  # no public way
        return answer

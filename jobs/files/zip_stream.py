"""Make a zip while it is sent: nothing of it is kept but the table of contents.

The standard library's writer is used on a stream that cannot seek, because names that are no UTF-8 and the files'
times must come through as they are.
"""

import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accounts.refusals import Refused

UTF8_NAME = 0x800
OLDEST, NEWEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
UNIX = 3
MAX_COMMENT = 60_000


@dataclass(frozen=True)
class Member:
    """A file, or a folder if `content` is None. Iterating `content` may raise Refused: then it is left out."""

    name: bytes
    size: int
    modified: int | None
    content: Iterable[bytes] | None


class _Info(zipfile.ZipInfo):
    """A member whose name is exactly these bytes."""

    def __init__(self, member: Member) -> None:
        seconds = time.gmtime(member.modified or 0)[:6]
        date = min(max(seconds, OLDEST), NEWEST)
        super().__init__("member", date)
        self.raw = member.name + (b"/" if member.content is None else b"")
        self.filename = self.raw.decode("utf-8", "surrogateescape")
        self.create_system = UNIX
        self.file_size = member.size
        self.compress_type = zipfile.ZIP_DEFLATED if member.content is not None else zipfile.ZIP_STORED
        self.external_attr = (0o100644 << 16) if member.content is not None else (0o40755 << 16) | 0x10

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - the standard library's name
        try:
            is_ascii = self.raw.decode().isascii()
        except UnicodeDecodeError:
            return self.raw, self.flag_bits
        return self.raw, self.flag_bits if is_ascii else self.flag_bits | UTF8_NAME


class _Sink(io.RawIOBase):
    """Where the writer writes: what came is taken away after each step."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        raise io.UnsupportedOperation

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # what zipfile sends
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def zip_stream(members: Iterable[Member]) -> Iterator[bytes]:
    """Yield the bytes of a zip of these members, in their order.

    What cannot be opened is left out and named in the zip's comment. Raises Refused if a file breaks off: the download
    then ends without the table of contents, so that nobody takes it for whole.
    """
    sink, left_out = _Sink(), []
    with zipfile.ZipFile(sink, "w", compresslevel=1) as archive:  # type: ignore[arg-type]  # a raw stream will do
        for member in members:
            content = iter(member.content or ())
            try:
                first = next(content, b"")
            except Refused as error:
                if error.status >= 500:
                    raise
                left_out.append(member.name + b": " + error.message.encode())
                continue
            with archive.open(_Info(member), "w") as target:
                target.write(first)
                for chunk in content:
                    target.write(chunk)
                    if data := sink.taken():
                        yield data
            if data := sink.taken():
                yield data
        archive.comment = b"\n".join(left_out)[:MAX_COMMENT]
    yield sink.taken()

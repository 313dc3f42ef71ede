"""SSH packets of one connection: at first read by paramiko's thread, later fed by whoever has the bytes.

paramiko's `Packetizer` reads a blocking socket packet by packet. `Wire` can leave that at the boundary between two
packets (`leave_when`), and from then on (`carry`) it is handed bytes as they come and never waits: `packets` answers
what is whole, `write_all` goes to a function. GCM, which is asked for first, is dealt with here in one step a packet;
for every other cipher paramiko's own code runs.
"""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from paramiko.message import Message
from paramiko.packet import Packetizer
from paramiko.ssh_exception import SSHException

# RFC 4253 wants 35,000 at least; OpenSSH refuses more than this.
LONGEST_PACKET = 256 * 1024
GCM_TAG = GCM_BLOCK = 16
# New keys are asked for after so many bytes, as paramiko does.
REKEY_BYTES = Packetizer.REKEY_BYTES


class HandedOver(BaseException):
    """Ends paramiko's thread between two packets. Not an Exception: its code must not take it for a failure."""


class Cipher(Protocol):
    """What deciphers or enciphers a stream."""

    def update(self, data: bytes) -> bytes: ...


class _Peeking:
    """Deciphers, and can look at a packet's first block before the rest has come."""

    def __init__(self, engine: Cipher) -> None:
        self._engine = engine
        self._seen = b""

    def peek(self, block: bytes) -> bytes:
        if not self._seen:
            self._seen = self._engine.update(block)
        return self._seen

    def update(self, data: bytes) -> bytes:
        if self._seen:  # `data` is the block that was looked at
            seen, self._seen = self._seen, b""
            return seen
        return self._engine.update(data)


class _Nonce:
    """RFC 5647: four fixed bytes and a counter of eight, one up with each packet."""

    def __init__(self, start: bytes) -> None:
        self._fixed = start[:4]
        self._count = int.from_bytes(start[4:], "big")

    def next(self) -> bytes:
        nonce = self._fixed + self._count.to_bytes(8, "big")
        self._count = (self._count + 1) & 0xFFFFFFFFFFFFFFFF
        return nonce


class Wire(Packetizer):
    """See the module."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.leave_when: Callable[[], bool] = lambda: False
        self._write: Callable[[bytes], object] | None = None
        self._sending = threading.Lock()
        self._inbox = b""
        self._at = 0
        self._moved = 0
        self._block_in, self._tag_in = 8, 0
        self._gcm_in: tuple[Any, _Nonce] | None = None
        self._gcm_out: tuple[Any, _Nonce] | None = None
        self._peeking: _Peeking | None = None

    def carry(self, write: Callable[[bytes], object]) -> None:
        """From now on bytes come through `packets` and go to `write`. Only after the thread has left."""
        self._write = write

    def packets(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Type and payload of each packet that is whole with `data`. Raises SSHException for what is none."""
        self._inbox = self._inbox[self._at :] + data if self._at < len(self._inbox) else data
        self._at = 0
        while (length := self._whole_packet()) is not None:
            if self._gcm_in is not None:
                yield self._open(length)
            else:
                kind, message = super().read_message()
                yield kind, message.asbytes()

    # --- what paramiko calls
    # -------------------------------------------------------------------------------------

    def set_inbound_cipher(self, block_engine: Any, block_size: int, *rest: Any, **more: Any) -> None:
        """New keys for what comes in."""
        named = dict(zip(("mac_engine", "mac_size", "mac_key"), rest, strict=False)) | more
        aead, etm = bool(named.get("aead")), bool(named.get("etm"))
        self._gcm_in = (block_engine, _Nonce(named["iv_in"])) if aead else None
        self._peeking = None if aead or etm else _Peeking(block_engine)
        self._block_in, self._tag_in = block_size, named["mac_size"]
        engine: Any = self._peeking or block_engine
        super().set_inbound_cipher(engine, block_size, **named)

    def set_outbound_cipher(self, block_engine: Any, block_size: int, *rest: Any, **more: Any) -> None:
        """New keys for what goes out."""
        named = dict(zip(("mac_engine", "mac_size", "mac_key"), rest, strict=False)) | more
        self._gcm_out = (block_engine, _Nonce(named["iv_out"])) if named.get("aead") else None
        self._moved = 0
        super().set_outbound_cipher(block_engine, block_size, **named)

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """The next `n` bytes. In the thread it waits for them; later they are there."""
        if self._write is None:
            # Only a packet's first read asks for `check_rekey`.
            if check_rekey and self.leave_when():
                raise HandedOver
            return super().read_all(n, check_rekey)
        begin, self._at = self._at, self._at + n
        if self._at > len(self._inbox):
            raise SSHException("A packet ends before its end.")
        return self._inbox[begin : self._at]

    def write_all(self, out: Any) -> None:
        """Send."""
        if self._write is None:
            super().write_all(out)
        else:
            self._write(out)

    def read_message(self) -> tuple[int, Message]:
        """One packet, for paramiko's thread."""
        if self._gcm_in is None:
            return super().read_message()
        opener, nonce = self._gcm_in
        head = self.read_all(4, check_rekey=True)
        length = _checked(int.from_bytes(head, "big"))
        kind, payload = _unpad(opener.decrypt(nonce.next(), self.read_all(length + GCM_TAG), head))
        return kind, _message(payload)

    def send_message(self, data: Message) -> None:
        """Seal and send one packet."""
        if self._gcm_out is None:
            super().send_message(data)
            return
        self.send_payload(data.asbytes())

    def send_payload(self, payload: bytes) -> None:
        """The same for bytes."""
        if self._gcm_out is None:
            super().send_message(_message(payload))
            return
        with self._sending:
            sealer, nonce = self._gcm_out
            # RFC 4253, 6: four bytes of padding at least, up to whole blocks; RFC 5647: the length is not enciphered.
            padding = 3 + GCM_BLOCK - (len(payload) + 4) % GCM_BLOCK
            size = 1 + len(payload) + padding
            head = size.to_bytes(4, "big")
            packet = bytes((padding,)) + payload + os.urandom(padding)
            self.write_all(head + sealer.encrypt(nonce.next(), packet, head))
            self._count(size)

    # --- packets
    # -------------------------------------------------------------------------------------------------

    def _whole_packet(self) -> int | None:
        """The length of the next packet if all of it is here."""
        have = len(self._inbox) - self._at
        if have < self._block_in:
            return None
        if self._peeking is not None:
            head = self._peeking.peek(self._inbox[self._at : self._at + self._block_in])[:4]
        else:
            head = self._inbox[self._at : self._at + 4]
        length = _checked(int.from_bytes(head, "big"))
        return length if have >= 4 + length + self._tag_in else None

    def _open(self, length: int) -> tuple[int, bytes]:
        assert self._gcm_in is not None  # noqa: S101
        opener, nonce = self._gcm_in
        begin = self._at + 4
        self._at = end = begin + length + GCM_TAG
        inbox = self._inbox
        plain = opener.decrypt(nonce.next(), inbox[begin:end], inbox[begin - 4 : begin])
        self._count(length)
        return plain[1], plain[2 : length - plain[0]]

    def _count(self, size: int) -> None:
        self._moved += size
        if self._moved >= REKEY_BYTES:
            self._moved = 0
            self._trigger_rekey()  # type: ignore[attr-defined]  # paramiko's own


def _checked(length: int) -> int:
    if not 5 <= length <= LONGEST_PACKET:
        raise SSHException("Invalid packet length")
    return length


def _unpad(plain: bytes) -> tuple[int, bytes]:
    return plain[1], plain[2 : len(plain) - plain[0]]


def _message(payload: bytes) -> Message:
    message = Message(payload)
    message.seqno = 0  # only ever quoted in "not implemented"
    return message

"""Read and write the SSH packets of one connection: first on paramiko's thread, later fed by an event loop.

paramiko's `Packetizer` reads a blocking socket packet by packet. `LoopPacketizer` can stop that between two packets
(`leave_when`). From `use_loop` on it is given bytes as they arrive and never blocks: `packets` yields what is complete,
`write_all` passes bytes to a function. AES-GCM, our first choice, is handled here in one step per packet; paramiko's
own code handles every other cipher.
"""

import os
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from paramiko.message import Message
from paramiko.packet import Packetizer

from sshgateway.ssh.errors import ProtocolError

# RFC 4253 requires 35,000 at least; OpenSSH refuses more than this.
LONGEST_PACKET = 256 * 1024
GCM_TAG = GCM_BLOCK = 16
# We request new keys after this many bytes, as paramiko does.
REKEY_BYTES = Packetizer.REKEY_BYTES


class HandedOver(BaseException):
    """Ends paramiko's thread between two packets. Not an Exception, so that paramiko does not treat it as a failure."""


class Cipher(Protocol):
    """Encrypts or decrypts a stream."""

    def update(self, data: bytes) -> bytes: ...


class _PeekingCipher:
    """Decrypts, and can look at the first block of a packet before the rest has arrived."""

    def __init__(self, engine: Cipher) -> None:
        self._engine = engine
        self._first_block = b""

    def peek(self, block: bytes) -> bytes:
        """Return the first block decrypted; the next `update` returns it again."""
        if not self._first_block:
            self._first_block = self._engine.update(block)
        return self._first_block

    def update(self, data: bytes) -> bytes:
        """Decrypt `data`: the block that was peeked at, or what follows it."""
        if self._first_block:
            block, self._first_block = self._first_block, b""
            return block
        return self._engine.update(data)


class _Nonce:
    """The GCM nonce (RFC 5647): four fixed bytes and a counter of eight, incremented for each packet."""

    def __init__(self, start: bytes) -> None:
        self._fixed = start[:4]
        self._count = int.from_bytes(start[4:], "big")

    def next(self) -> bytes:
        """Return the nonce of the next packet and count it."""
        nonce = self._fixed + self._count.to_bytes(8, "big")
        self._count = (self._count + 1) & 0xFFFFFFFFFFFFFFFF
        return nonce


class LoopPacketizer(Packetizer):
    """paramiko's packetizer with a second way to read and write. See the module.

    `leave_when` is asked before each packet; when it says yes, paramiko's thread ends with `HandedOver`.
    """

    def __init__(self, sock: Any, leave_when: Callable[[], bool]) -> None:
        super().__init__(sock)
        self._leave_when = leave_when
        self._write: Callable[[bytes], object] | None = None
        self._sending = threading.Lock()
        self._received = b""
        self._position = 0
        self._bytes_since_rekey = 0
        self._block_in, self._tag_in = 8, 0
        self._gcm_in: tuple[Any, _Nonce] | None = None
        self._gcm_out: tuple[Any, _Nonce] | None = None
        self._peeking: _PeekingCipher | None = None

    def use_loop(self, write: Callable[[bytes], object]) -> None:
        """From now on read from `packets` and write to `write`. Call it only after paramiko's thread has ended."""
        self._write = write

    def packets(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield type and payload of each packet that `data` completes.

        Raises ProtocolError, SSHException or InvalidTag for a malformed packet; nothing can be read after that.
        """
        self._received = (
            self._received[self._position :] + data if self._position < len(self._received) else data
        )
        self._position = 0
        while (length := self._whole_packet()) is not None:
            if self._gcm_in is not None:
                yield self._decrypt_gcm(length)
            else:
                yield self._decrypt_by_paramiko()

    # --- called by paramiko
    # -------------------------------------------------------------------------------------

    def set_inbound_cipher(self, block_engine: Any, block_size: int, *rest: Any, **more: Any) -> None:
        """Take new keys for incoming packets."""
        options = dict(zip(("mac_engine", "mac_size", "mac_key"), rest, strict=False)) | more
        aead, etm = bool(options.get("aead")), bool(options.get("etm"))
        self._gcm_in = (block_engine, _Nonce(options["iv_in"])) if aead else None
        self._peeking = None if aead or etm else _PeekingCipher(block_engine)
        self._block_in, self._tag_in = block_size, options["mac_size"]
        engine: Any = self._peeking or block_engine
        super().set_inbound_cipher(engine, block_size, **options)

    def set_outbound_cipher(self, block_engine: Any, block_size: int, *rest: Any, **more: Any) -> None:
        """Take new keys for outgoing packets."""
        options = dict(zip(("mac_engine", "mac_size", "mac_key"), rest, strict=False)) | more
        self._gcm_out = (block_engine, _Nonce(options["iv_out"])) if options.get("aead") else None
        self._bytes_since_rekey = 0
        super().set_outbound_cipher(block_engine, block_size, **options)

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Return the next `n` bytes. On paramiko's thread it waits for them; on a loop they have arrived."""
        if self._write is None:
            # paramiko sets `check_rekey` only for the first read of a packet.
            if check_rekey and self._leave_when():
                raise HandedOver
            return super().read_all(n, check_rekey)
        begin, self._position = self._position, self._position + n
        if self._position > len(self._received):
            raise ProtocolError("A packet is shorter than it says.")
        return self._received[begin : self._position]

    def write_all(self, out: Any) -> None:
        """Send bytes, through the socket or through the loop's `write`."""
        if self._write is None:
            super().write_all(out)
        else:
            self._write(out)

    def read_message(self) -> tuple[int, Message]:
        """Read one packet on paramiko's thread."""
        if self._gcm_in is None:
            return super().read_message()
        decryptor, nonce = self._gcm_in
        head = self.read_all(4, check_rekey=True)
        length = _checked(int.from_bytes(head, "big"))
        kind, payload = _unpad(decryptor.decrypt(nonce.next(), self.read_all(length + GCM_TAG), head))
        return kind, _message(payload)

    def send_message(self, data: Message) -> None:
        """Encrypt and send one message."""
        if self._gcm_out is None:
            super().send_message(data)
            return
        self.send_payload(data.asbytes())

    def send_payload(self, payload: bytes) -> None:
        """Encrypt and send one message given as bytes."""
        if self._gcm_out is None:
            super().send_message(_message(payload))
            return
        with self._sending:
            encryptor, nonce = self._gcm_out
            # RFC 4253, 6: at least four bytes of padding, up to whole blocks. RFC 5647: the length is not encrypted.
            padding = 3 + GCM_BLOCK - (len(payload) + 4) % GCM_BLOCK
            size = 1 + len(payload) + padding
            head = size.to_bytes(4, "big")
            packet = bytes((padding,)) + payload + os.urandom(padding)
            self.write_all(head + encryptor.encrypt(nonce.next(), packet, head))
            self._count(size)

    # --- packets
    # -------------------------------------------------------------------------------------------------

    def _whole_packet(self) -> int | None:
        """Return the length of the next packet if all of it has arrived."""
        available = len(self._received) - self._position
        if available < self._block_in:
            return None
        if self._peeking is not None:
            head = self._peeking.peek(self._received[self._position : self._position + self._block_in])[:4]
        else:
            head = self._received[self._position : self._position + 4]
        length = _checked(int.from_bytes(head, "big"))
        return length if available >= 4 + length + self._tag_in else None

    def _decrypt_gcm(self, length: int) -> tuple[int, bytes]:
        assert self._gcm_in is not None  # noqa: S101
        decryptor, nonce = self._gcm_in
        begin = self._position + 4
        self._position = end = begin + length + GCM_TAG
        received = self._received
        plain = decryptor.decrypt(nonce.next(), received[begin:end], received[begin - 4 : begin])
        self._count(length)
        return plain[1], plain[2 : length - plain[0]]

    def _decrypt_by_paramiko(self) -> tuple[int, bytes]:
        try:
            kind, message = super().read_message()
        except (LookupError, TypeError, ValueError, struct.error) as error:
            # paramiko takes lengths and paddings as the node wrote them.
            raise ProtocolError("A packet could not be decrypted.") from error
        return kind, message.asbytes()

    def _count(self, size: int) -> None:
        self._bytes_since_rekey += size
        if self._bytes_since_rekey >= REKEY_BYTES:
            self._bytes_since_rekey = 0
            self._trigger_rekey()  # type: ignore[attr-defined]  # paramiko's own


def _checked(length: int) -> int:
    if not 5 <= length <= LONGEST_PACKET:
        raise ProtocolError("Invalid packet length")
    return length


def _unpad(plain: bytes) -> tuple[int, bytes]:
    return plain[1], plain[2 : len(plain) - plain[0]]


def _message(payload: bytes) -> Message:
    message = Message(payload)
    message.seqno = 0  # paramiko only quotes it in "not implemented"
    return message

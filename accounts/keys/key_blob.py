"""Parse the binary form of an SSH public key (RFC 4253, 5656, 8709, OpenSSH's PROTOCOL.u2f). Pure.

Written here because the common libraries accept a key that was cut off, do not know security keys, or turn one into a
plain key. This parser accepts exactly one well-formed key and nothing else.
"""

from collections.abc import Callable

from accounts.keys.curves import NIST_CURVES, ed25519_small_order
from accounts.keys.key_refusals import (
    ACCEPTED_TYPES,
    KeyRefusalReason,
    KeyRefused,
    is_known_type,
    refusal_for_type,
)

RSA_SHORTEST_BITS = 2048
RSA_LONGEST_BITS = 16384
RSA_EXPONENT_LONGEST_BITS = 64


class BlobReader:
    """Read the length-prefixed strings of a blob. Every method raises KeyRefused for a malformed one."""

    def __init__(self, blob: bytes) -> None:
        self._blob = blob
        self._at = 0

    def string(self) -> bytes:
        """Return the next string."""
        start = self._at + 4
        if start > len(self._blob):
            raise KeyRefused(KeyRefusalReason.CUT_OFF)
        end = start + int.from_bytes(self._blob[self._at : start], "big")
        if end > len(self._blob):
            raise KeyRefused(KeyRefusalReason.CUT_OFF)
        self._at = end
        return self._blob[start:end]

    def positive_number(self) -> int:
        """Return the next number, which must be positive and in its shortest encoding."""
        raw = self.string()
        if not raw or raw[0] & 0x80 or (raw[0] == 0 and not (len(raw) > 1 and raw[1] & 0x80)):
            raise KeyRefused(KeyRefusalReason.MALFORMED)
        return int.from_bytes(raw, "big")

    def end(self) -> None:
        """Raise KeyRefused if anything follows."""
        if self._at != len(self._blob):
            raise KeyRefused(KeyRefusalReason.TRAILING_BYTES)


def pack(*fields: bytes) -> bytes:
    """Return the fields as length-prefixed strings, one after the other."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def pack_number(number: int) -> bytes:
    """Return a positive number encoded for a length-prefixed string."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def examine(blob: bytes, expected_type: str | None = None) -> tuple[str, int]:
    """Return (type, bits) of the public key in the blob. Raise KeyRefused unless it is exactly one accepted key.

    `expected_type` is the type written before the key; the blob must be of the same type.
    """
    reader = BlobReader(blob)
    raw_type = reader.string()
    key_type = raw_type.decode("ascii") if raw_type.isascii() else ""
    if expected_type is not None and key_type != expected_type:
        both = f"The line says {expected_type}, the key says {key_type}."
        raise KeyRefused(
            KeyRefusalReason.TYPE_MISMATCH,
            both if is_known_type(expected_type) and is_known_type(key_type) else "",
        )
    if key_type not in ACCEPTED_TYPES:
        raise refusal_for_type(key_type)
    bits = _READERS[key_type](reader)
    reader.end()
    return key_type, bits


def _read_ed25519(reader: BlobReader) -> int:
    key = reader.string()
    if len(key) != 32:
        raise KeyRefused(KeyRefusalReason.WRONG_LENGTH)
    if ed25519_small_order(key):
        raise KeyRefused(KeyRefusalReason.WEAK_KEY)
    return 256


def _read_rsa(reader: BlobReader) -> int:
    exponent, modulus = reader.positive_number(), reader.positive_number()
    bits = modulus.bit_length()
    if bits < RSA_SHORTEST_BITS:
        raise KeyRefused(KeyRefusalReason.RSA_TOO_SHORT, f"This RSA key has {bits} bits.")
    if bits > RSA_LONGEST_BITS:
        raise KeyRefused(KeyRefusalReason.RSA_TOO_LONG)
    # PuTTY uses 37 and old versions of OpenSSH 35, so small odd exponents are accepted.
    if exponent < 3 or exponent % 2 == 0 or exponent.bit_length() > RSA_EXPONENT_LONGEST_BITS:
        raise KeyRefused(KeyRefusalReason.RSA_EXPONENT)
    if modulus % 2 == 0:
        raise KeyRefused(KeyRefusalReason.RSA_MODULUS)
    return bits


def _ecdsa_reader(curve_name: str) -> Callable[[BlobReader], int]:
    curve = NIST_CURVES[curve_name]

    def read(reader: BlobReader) -> int:
        if reader.string() != curve_name.encode():
            raise KeyRefused(KeyRefusalReason.TYPE_MISMATCH)
        point = reader.string()
        size = curve.coordinate_bytes
        # OpenSSH accepts only the uncompressed form, which starts with 4.
        if len(point) != 1 + 2 * size or point[0] != 4:
            raise KeyRefused(KeyRefusalReason.WRONG_LENGTH)
        x, y = int.from_bytes(point[1 : 1 + size], "big"), int.from_bytes(point[1 + size :], "big")
        if not curve.is_usable_point(x, y):
            raise KeyRefused(KeyRefusalReason.POINT_NOT_ON_CURVE)
        return curve.bits

    return read


def _with_application(read_key: Callable[[BlobReader], int]) -> Callable[[BlobReader], int]:
    def read(reader: BlobReader) -> int:
        bits = read_key(reader)
        application = reader.string()
        if not application or not all(0x20 < byte < 0x7F for byte in application):
            raise KeyRefused(KeyRefusalReason.MALFORMED)
        return bits

    return read


_READERS: dict[str, Callable[[BlobReader], int]] = {
    "ssh-ed25519": _read_ed25519,
    "ecdsa-sha2-nistp256": _ecdsa_reader("nistp256"),
    "ecdsa-sha2-nistp384": _ecdsa_reader("nistp384"),
    "ecdsa-sha2-nistp521": _ecdsa_reader("nistp521"),
    "ssh-rsa": _read_rsa,
    "sk-ssh-ed25519@openssh.com": _with_application(_read_ed25519),
    "sk-ecdsa-sha2-nistp256@openssh.com": _with_application(_ecdsa_reader("nistp256")),
}

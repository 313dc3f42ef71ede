"""Convert public keys from RFC 4716 and PEM (PKCS#8, PKCS#1) to the binary form of SSH. Pure."""

import re
from typing import NamedTuple

from accounts.keys.curves import NIST_CURVES
from accounts.keys.key_base64 import decode
from accounts.keys.key_blob import pack, pack_number
from accounts.keys.key_refusals import KeyRefusalReason, KeyRefused, refusal_for_type

BEGIN_LINE = re.compile(r"-{4,5} ?BEGIN ([A-Z0-9 ]+?) ?-{4,5}")
_RFC4716_NAME = "SSH2 PUBLIC KEY"
_RFC4716_HEADER = re.compile(r"([!-9;-~]{1,64}):[ \t]?(.*)")
_RSA_OID = "1.2.840.113549.1.1.1"
_EC_OID = "1.2.840.10045.2.1"
_DSA_OID = "1.2.840.10040.4.1"
_ED25519_OID = "1.3.101.112"
_CURVE_OIDS = {
    "1.2.840.10045.3.1.7": "nistp256",
    "1.3.132.0.34": "nistp384",
    "1.3.132.0.35": "nistp521",
}
SAME_KEY = "It is the same key with the same fingerprint."


class Converted(NamedTuple):
    """A key in OpenSSH form: the blob, its comment, and a notice that says what it was converted from."""

    blob: bytes
    comment: str
    notice: str


def convert(block: str) -> Converted:
    """Return the key in a block that starts with a BEGIN line. Raise KeyRefused if there is none."""
    first, *rest = [line.rstrip() for line in block.strip().split("\n")]
    begin = BEGIN_LINE.fullmatch(first)
    if begin is None:
        raise KeyRefused(KeyRefusalReason.UNKNOWN_FORM)
    name = begin.group(1)
    body = _body(name, first, rest)
    if name == _RFC4716_NAME:
        return _from_rfc4716(body)
    if name == "PUBLIC KEY":
        blob = _blob_of_spki(decode("".join(body)))
        return Converted(blob, "", f"Converted from PEM (PKCS#8) to the one-line OpenSSH form. {SAME_KEY}")
    if name == "RSA PUBLIC KEY":
        blob = _blob_of_rsa(decode("".join(body)))
        return Converted(blob, "", f"Converted from PEM (PKCS#1) to the one-line OpenSSH form. {SAME_KEY}")
    raise _refusal_for_block(name)


def _body(name: str, first: str, rest: list[str]) -> list[str]:
    """Return the lines between BEGIN and END. Raise KeyRefused unless both are there."""
    if name not in (_RFC4716_NAME, "PUBLIC KEY", "RSA PUBLIC KEY"):
        raise _refusal_for_block(name)
    last = first.replace("BEGIN", "END", 1)
    if last not in rest:
        raise KeyRefused(KeyRefusalReason.CUT_OFF)
    end = rest.index(last)
    if any(line for line in rest[end + 1 :]):
        raise KeyRefused(KeyRefusalReason.LINE_BREAK)
    return rest[:end]


def _refusal_for_block(name: str) -> KeyRefused:
    if "PGP" in name:
        return KeyRefused(KeyRefusalReason.PGP_KEY)
    if "CERTIFICATE" in name:
        return KeyRefused(KeyRefusalReason.X509_CERTIFICATE)
    if "DSA" in name and "ECDSA" not in name:
        return KeyRefused(KeyRefusalReason.DSA_KEY)
    return KeyRefused(KeyRefusalReason.UNKNOWN_FORM)


def _from_rfc4716(body: list[str]) -> Converted:
    """Parse the header lines (a backslash at the end continues one), then the base64 lines."""
    lines = list(body)
    comment = ""
    while lines and (header := _RFC4716_HEADER.fullmatch(lines[0])):
        value = header.group(2)
        lines.pop(0)
        while value.endswith("\\"):
            if not lines:
                raise KeyRefused(KeyRefusalReason.CUT_OFF)
            value = value[:-1] + lines.pop(0)
        if header.group(1).lower() == "comment":
            comment = value.strip()
    if len(comment) >= 2 and comment[0] == comment[-1] == '"':
        comment = comment[1:-1].strip()
    source = "RFC 4716 (PuTTYgen's 'Save public key')"
    notice = f"Converted from {source} to the one-line OpenSSH form. {SAME_KEY}"
    return Converted(decode("".join(lines)), comment, notice)


class _DER:
    """Read DER. Every method raises KeyRefused for malformed input and lengths not in their shortest form."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def element(self, tag: int) -> bytes:
        """Return the content of the next element, which must have this tag."""
        head = self._raw[self._at : self._at + 2]
        if len(head) < 2:
            raise KeyRefused(KeyRefusalReason.CUT_OFF)
        if head[0] != tag:
            raise KeyRefused(KeyRefusalReason.MALFORMED)
        start, length = self._at + 2, head[1]
        if length >= 0x80:
            count = length & 0x7F
            spelled = self._raw[start : start + count]
            if len(spelled) < count:
                raise KeyRefused(KeyRefusalReason.CUT_OFF)
            length = int.from_bytes(spelled, "big")
            if not 1 <= count <= 3 or length < 0x80 or spelled[0] == 0:
                raise KeyRefused(KeyRefusalReason.MALFORMED)
            start += count
        end = start + length
        if end > len(self._raw):
            raise KeyRefused(KeyRefusalReason.CUT_OFF)
        self._at = end
        return self._raw[start:end]

    def oid(self) -> str:
        """Return the next object identifier in dotted form."""
        raw = self.element(0x06)
        if not raw or raw[-1] & 0x80:
            raise KeyRefused(KeyRefusalReason.MALFORMED)
        numbers, value = [], 0
        for byte in raw:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(value)
                value = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))

    def positive_integer(self) -> int:
        """Return the next INTEGER, which must be positive and in its shortest form."""
        raw = self.element(0x02)
        if not raw or raw[0] & 0x80 or (raw[0] == 0 and not (len(raw) > 1 and raw[1] & 0x80)):
            raise KeyRefused(KeyRefusalReason.MALFORMED)
        return int.from_bytes(raw, "big")

    def finished(self) -> bool:
        """Return whether all of the input has been read."""
        return self._at == len(self._raw)

    def end(self) -> None:
        """Raise KeyRefused if anything follows."""
        if not self.finished():
            raise KeyRefused(KeyRefusalReason.TRAILING_BYTES)


def _blob_of_rsa(der: bytes) -> bytes:
    outer = _DER(der)
    numbers = _DER(outer.element(0x30))
    outer.end()
    modulus, exponent = numbers.positive_integer(), numbers.positive_integer()
    numbers.end()
    return pack(b"ssh-rsa", pack_number(exponent), pack_number(modulus))


def _blob_of_spki(der: bytes) -> bytes:
    """Parse SubjectPublicKeyInfo: SEQUENCE { SEQUENCE { algorithm, parameters }, BIT STRING }."""
    outer = _DER(der)
    info = _DER(outer.element(0x30))
    outer.end()
    algorithm = _DER(info.element(0x30))
    bits = info.element(0x03)
    info.end()
    if not bits or bits[0] != 0:
        raise KeyRefused(KeyRefusalReason.MALFORMED)
    key, oid = bits[1:], algorithm.oid()
    if oid == _RSA_OID:
        if not algorithm.finished() and algorithm.element(0x05):
            raise KeyRefused(KeyRefusalReason.MALFORMED)
        algorithm.end()
        return _blob_of_rsa(key)
    if oid == _ED25519_OID:
        algorithm.end()
        return pack(b"ssh-ed25519", key)
    if oid == _EC_OID:
        curve = _CURVE_OIDS.get(algorithm.oid())
        algorithm.end()
        return _blob_of_ecdsa(curve, key)
    raise refusal_for_type("ssh-dss" if oid == _DSA_OID else "")


def _blob_of_ecdsa(curve: str | None, point: bytes) -> bytes:
    if curve is None or curve not in NIST_CURVES:
        raise KeyRefused(KeyRefusalReason.UNKNOWN_CURVE)
    return pack(f"ecdsa-sha2-{curve}".encode(), curve.encode(), point)

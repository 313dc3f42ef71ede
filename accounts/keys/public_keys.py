"""Parse a pasted SSH public key, or say precisely what is wrong with it.

Pure: no Django, no I/O, no cryptographic library. For any input, `parse` returns one PublicKey whose blob is exactly
one well-formed key of an accepted type, or raises KeyRefused; no exception ever contains any of the text.
"""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from accounts.keys import broken_lines, key_base64, key_blob
from accounts.keys.key_formats import BEGIN_LINE, SAME_KEY, convert
from accounts.keys.key_refusals import (
    ACCEPTED_TYPES,
    KeyRefusalReason,
    KeyRefused,
    is_known_type,
    refusal_for_type,
)
from accounts.keys.private_keys import is_private_key

__all__ = ["LONGEST_BYTES", "KeyRefused", "PublicKey", "SeveralKeys", "parse"]

LONGEST_BYTES = 16 * 1024
_TYPE_AND_KEY = re.compile(r"(?:^|(?<=[\s\"',]))([a-z0-9][a-z0-9@.-]{2,63})\s+AAAA[A-Za-z0-9+/]")
_OPTION = re.compile(
    r"((no-)?(agent-forwarding|port-forwarding|pty|user-rc|x11-forwarding|touch-required)|cert-authority"
    r"|command|environment|expiry-time|from|permitlisten|permitopen|principals|restrict|tunnel|verify-required)"
    r"(?=[=,\s])",
    re.IGNORECASE,
)
# Reasons that prove that the lines were joined correctly.
_SURE_REASONS = (
    KeyRefusalReason.RSA_TOO_SHORT,
    KeyRefusalReason.RSA_TOO_LONG,
    KeyRefusalReason.RSA_EXPONENT,
    KeyRefusalReason.RSA_MODULUS,
    KeyRefusalReason.WEAK_KEY,
    KeyRefusalReason.COMMENT_CHARACTERS,
)
_BLANKS = " \t\n\u00a0\u3000\u200b\ufeff"
_SSH1 = re.compile(r"\d{3,5} \d{1,10} \d{100,}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}|\b([0-9a-f]{2}:){15}[0-9a-f]{2}\b")
_FILE_NAME = re.compile(r"([A-Za-z]:|%USERPROFILE%)?[\w. /\\~-]*(\.pub|\.ssh[/\\][\w./\\-]*)", re.ASCII)


@dataclass(frozen=True)
class PublicKey:
    """One usable public key. `notice` tells the user how the text was converted; None if it was not."""

    type: str
    bits: int
    blob: bytes
    comment: str = ""
    notice: str | None = None

    @property
    def line(self) -> str:
        """Return the one-line OpenSSH form: type, base64, comment."""
        encoded = base64.b64encode(self.blob).decode("ascii")
        return f"{self.type} {encoded} {self.comment}".rstrip(" ")

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 fingerprint as `ssh-keygen -l` and `ssh-add -l` print it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode("ascii")
        return "SHA256:" + digest.rstrip("=")


class SeveralKeys(KeyRefused):
    """Raised for `count` keys in one text. `keys` are the distinct ones that can be added one by one."""

    def __init__(self, count: int, keys: tuple[PublicKey, ...]) -> None:
        super().__init__(KeyRefusalReason.SEVERAL_KEYS, f"There are {count} keys in this text.")
        self.count = count
        self.keys = keys


def parse(text: str | bytes) -> PublicKey:
    """Return the one public key in the text. Raise KeyRefused if it is anything else.

    1. Text that is too long is refused without being parsed.
    2. A private key in any format is refused before anything else is checked.
    3. Line ends and surrounding white space are normalised; control characters are refused.
    4. Several keys are refused with SeveralKeys, which holds those that can be added one by one.
    5. One block (RFC 4716, PEM) is converted, one line is parsed, a key broken by line ends or blanks is joined.
    """
    clean = _tidy(_decode(text))
    if not clean:
        raise KeyRefused(KeyRefusalReason.EMPTY)
    pieces = _pieces(clean)
    if not pieces:
        raise KeyRefused(KeyRefusalReason.NOT_A_KEY)
    candidates = [piece for piece in pieces if _holds_key(piece)]
    count = sum(_keys_in(piece) for piece in candidates)
    if count > 1:
        raise SeveralKeys(count, _usable(candidates))
    if len(pieces) == 1:
        return _parse_piece(pieces[0])
    return _parse_wrapped(pieces)


def _decode(text: str | bytes) -> str:
    """Return the text as str. Raise KeyRefused for private keys, text that is too long, and what is not text."""
    if len(text) > LONGEST_BYTES:
        raise KeyRefused(KeyRefusalReason.TOO_LONG)
    if isinstance(text, str):
        decoded, raw = text, text.encode("utf-8", "replace")
    else:
        raw = text
        # Windows PowerShell's > writes UTF-16 with a byte order mark.
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
        decoded = raw.decode(encoding, "replace")
    if is_private_key(decoded):
        raise KeyRefused(KeyRefusalReason.PRIVATE_KEY)
    if len(raw) > LONGEST_BYTES:
        raise KeyRefused(KeyRefusalReason.TOO_LONG)
    if "\ufffd" in decoded or any("\ud800" <= character <= "\udfff" for character in decoded):
        raise KeyRefused(KeyRefusalReason.NOT_TEXT)
    return decoded


def _tidy(text: str) -> str:
    """Return the text stripped and with unix line ends. Raise KeyRefused for control characters."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n").strip(_BLANKS)
    if any(unicodedata.category(character) == "Cc" and character not in "\t\n" for character in unix):
        raise KeyRefused(KeyRefusalReason.CONTROL_CHARACTERS)
    return unix


def _pieces(text: str) -> list[str]:
    """Return the blocks from BEGIN to END, and every other line that is neither blank nor a comment (#)."""
    pieces: list[str] = []
    block: list[str] = []
    for line in text.split("\n"):
        if block:
            block.append(line)
            if line.strip() == block[0].strip().replace("BEGIN", "END", 1):
                pieces.append("\n".join(block))
                block = []
        elif BEGIN_LINE.fullmatch(line.strip()):
            block = [line]
        elif line.strip() and not line.lstrip().startswith("#"):
            pieces.append(line.strip())
    if block:
        pieces.append("\n".join(block))
    return pieces


def _holds_key(piece: str) -> bool:
    return bool(BEGIN_LINE.match(piece.lstrip()) or _TYPE_AND_KEY.search(piece))


def _keys_in(piece: str) -> int:
    return 1 if BEGIN_LINE.match(piece.lstrip()) else len(_TYPE_AND_KEY.findall(piece))


def _singles(piece: str) -> list[str]:
    """Return the keys in one line, each with the text that follows it."""
    starts = [match.start() for match in _TYPE_AND_KEY.finditer(piece)]
    if BEGIN_LINE.match(piece.lstrip()) or len(starts) < 2:
        return [piece]
    return [piece[start:end].strip() for start, end in pairwise([0, *starts[1:], len(piece)])]


def _usable(candidates: list[str]) -> tuple[PublicKey, ...]:
    """Return the distinct keys among the candidates that would each be accepted alone."""
    found: dict[bytes, PublicKey] = {}
    for single in (single for candidate in candidates for single in _singles(candidate)):
        try:
            key = _parse_piece(single)
        except KeyRefused:
            continue
        found.setdefault(key.blob, key)
    return tuple(found.values())


def _parse_piece(piece: str) -> PublicKey:
    """Parse one block or one line."""
    if BEGIN_LINE.match(piece.lstrip()):
        blob, comment, notice = convert(piece)
        return _checked(blob, None, comment, notice)
    word, *rest = piece.split(None, 1)
    if not (word in ACCEPTED_TYPES or is_known_type(word)):
        raise _refusal_for_line(piece, word)
    if word not in ACCEPTED_TYPES:
        raise refusal_for_type(word)
    if not rest:
        raise KeyRefused(KeyRefusalReason.KEY_MISSING)
    encoded, *comment_parts = rest[0].split(None, 1)
    comment = comment_parts[0].strip() if comment_parts else ""
    try:
        return _checked(_decode_key(encoded), word, comment, None)
    except KeyRefused as refusal:
        # With blanks in it, the rest of the key looks like a comment.
        broken = _parse_broken([piece]) if refusal.reason == KeyRefusalReason.CUT_OFF and comment else None
        if broken is None:
            raise
        return broken


def _decode_key(encoded: str) -> bytes:
    """Return the blob. Text that is both cut off and badly padded is reported as cut off, the likelier cause."""
    try:
        return key_base64.decode(encoded)
    except KeyRefused as refusal:
        if refusal.reason == KeyRefusalReason.BAD_BASE64 and key_base64.ALPHABET.fullmatch(encoded):
            _refuse_if_cut(key_base64.decode_start(encoded))
        raise


def _refuse_if_cut(start: bytes) -> None:
    try:
        key_blob.examine(start)
    except KeyRefused as refusal:
        if refusal.reason == KeyRefusalReason.CUT_OFF:
            raise KeyRefused(KeyRefusalReason.CUT_OFF) from None


def _checked(blob: bytes, word: str | None, comment: str, notice: str | None) -> PublicKey:
    """Return the key. Raise KeyRefused unless blob and comment are acceptable."""
    key_type, bits = key_blob.examine(blob, word)
    # Joined continuation lines can form a private key or a second key that the whole text did not show.
    if is_private_key(comment):
        raise KeyRefused(KeyRefusalReason.PRIVATE_KEY)
    if _TYPE_AND_KEY.search(comment):
        raise KeyRefused(KeyRefusalReason.SEVERAL_KEYS)
    if not all(character.isprintable() or unicodedata.category(character) == "Zs" for character in comment):
        raise KeyRefused(KeyRefusalReason.COMMENT_CHARACTERS)
    return PublicKey(key_type, bits, blob, comment, notice)


def _refusal_for_line(line: str, word: str) -> KeyRefused:
    """Return the refusal for a line that does not start with a key type."""
    known = next((match for match in _TYPE_AND_KEY.finditer(line) if is_known_type(match.group(1))), None)
    if _OPTION.match(line) and (known or "ssh-" in line or "ecdsa-" in line):
        return KeyRefused(KeyRefusalReason.OPTIONS_PREFIX)
    if known and known.start():
        return KeyRefused(KeyRefusalReason.TEXT_BEFORE_KEY)
    if _TYPE_AND_KEY.match(line):
        return refusal_for_type(word)
    if word.startswith("AAAA"):
        return KeyRefused(KeyRefusalReason.TYPE_MISSING)
    if _SSH1.match(line):
        return KeyRefused(KeyRefusalReason.SSH1_KEY)
    if _FINGERPRINT.search(line):
        return KeyRefused(KeyRefusalReason.FINGERPRINT_ONLY)
    if _FILE_NAME.fullmatch(line):
        return KeyRefused(KeyRefusalReason.FILE_NAME)
    return KeyRefused(KeyRefusalReason.NOT_A_KEY)


def _parse_wrapped(pieces: list[str]) -> PublicKey:
    """Parse a key that a mail program or a terminal broke into lines. Raise KeyRefused for other text."""
    if any(BEGIN_LINE.match(piece) for piece in pieces):
        raise KeyRefused(KeyRefusalReason.LINE_BREAK)
    word = pieces[0].split()[0]
    if word not in ACCEPTED_TYPES:
        raise (
            _refusal_for_line(pieces[0], word)
            if not _holds_key(pieces[0])
            else KeyRefused(KeyRefusalReason.LINE_BREAK)
        )
    try:
        key = _parse_broken(pieces)
    except KeyRefused as refusal:
        if refusal.reason in _SURE_REASONS:
            raise
        key = None
    if key is None:
        raise KeyRefused(KeyRefusalReason.LINE_BREAK)
    return key


def _parse_broken(lines: Sequence[str]) -> PublicKey | None:
    """Return the key that the lines are when they are joined, with a notice; None if they are not exactly one key."""
    line = broken_lines.join(lines)
    if line is None:
        return None
    notice = f"The key was broken into several parts and has been joined again. {SAME_KEY}"
    return replace(_parse_piece(line), notice=notice)

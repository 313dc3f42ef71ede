"""Reads a pasted SSH public key, or says precisely what is wrong with it.

Pure: no Django, no I/O, no cryptographic library. `parse` returns one PublicKey whose blob is exactly one
well-formed key of an accepted type, or raises KeyRefused with a reason out of `key_refusals.SENTENCES`; it
raises nothing else, for any input, and an exception never holds any of the text.
"""

import base64
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from accounts.keys import key_base64, key_blob
from accounts.keys.key_formats import BEGIN_LINE, SAME_KEY, convert
from accounts.keys.key_refusals import ACCEPTED_TYPES, KeyRefused, refusal_for_type, speakable
from accounts.keys.private_keys import is_private_key

__all__ = ["LONGEST_BYTES", "KeyRefused", "PublicKey", "SeveralKeys", "parse"]

LONGEST_BYTES = 16 * 1024
# Widths at which mail programs and terminals break lines; a break elsewhere is not one we may undo.
WRAP_WIDTHS = range(60, 133)

_TYPE_AND_KEY = re.compile(r"(?:^|(?<=[\s\"',]))([a-z0-9][a-z0-9@.-]{2,63})\s+AAAA[A-Za-z0-9+/]")
_OPTION = re.compile(
    r"((no-)?(agent-forwarding|port-forwarding|pty|user-rc|x11-forwarding|touch-required)|cert-authority"
    r"|command|environment|expiry-time|from|permitlisten|permitopen|principals|restrict|tunnel|verify-required)"
    r"(?=[=,\s])",
    re.IGNORECASE,
)
# Reasons that can only come from a key that was joined rightly.
_SURE_REASONS = (
    "rsa_too_short",
    "rsa_too_long",
    "rsa_exponent",
    "rsa_modulus",
    "weak_key",
    "comment_characters",
)
_BLANKS = " \t\n\u00a0\u3000\u200b\ufeff"
_SSH1 = re.compile(r"\d{3,5} \d{1,10} \d{100,}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}|\b([0-9a-f]{2}:){15}[0-9a-f]{2}\b")
_FILE_NAME = re.compile(r"([A-Za-z]:|%USERPROFILE%)?[\w. /\\~-]*(\.pub|\.ssh[/\\][\w./\\-]*)", re.ASCII)


@dataclass(frozen=True)
class PublicKey:
    """One usable public key. `notice` says in a sentence if the text had to be converted to get it."""

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
    """Several keys in one paste: `count` of them; `keys` are the different ones that can be added singly."""

    def __init__(self, count: int, keys: tuple[PublicKey, ...]) -> None:
        super().__init__("several_keys", f"There are {count} keys in this text.")
        self.count = count
        self.keys = keys


def parse(text: str | bytes) -> PublicKey:
    """Return the one public key in the text; raise KeyRefused if it is anything else.

    1. Too long: refused unread.
    2. A private key, in any form: refused before anything else is looked at.
    3. Control characters: refused; line ends and white space around are tidied.
    4. Several keys: refused, with each that could be added by itself.
    5. One block (RFC 4716, PEM) is converted; one line is read; a line broken by a mail program is joined.
    """
    clean = _tidy(_decode(text))
    if not clean:
        raise KeyRefused("empty")
    pieces = _pieces(clean)
    if not pieces:
        raise KeyRefused("not_a_key")
    candidates = [piece for piece in pieces if _holds_key(piece)]
    count = sum(_keys_in(piece) for piece in candidates)
    if count > 1:
        raise SeveralKeys(count, _usable(candidates))
    if len(pieces) == 1:
        return _parse_piece(pieces[0])
    return _parse_wrapped(pieces)


def _decode(text: str | bytes) -> str:
    """Return the text as str, a private key refused on the way."""
    if len(text) > LONGEST_BYTES:
        raise KeyRefused("too_long")
    if isinstance(text, str):
        decoded, raw = text, text.encode("utf-8", "replace")
    else:
        raw = text
        # Windows PowerShell's > writes UTF-16 with a mark in front.
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
        decoded = raw.decode(encoding, "replace")
    if is_private_key(decoded):
        raise KeyRefused("private_key")
    if len(raw) > LONGEST_BYTES:
        raise KeyRefused("too_long")
    if "\ufffd" in decoded or any("\ud800" <= character <= "\udfff" for character in decoded):
        raise KeyRefused("not_text")
    return decoded


def _tidy(text: str) -> str:
    """Return the text with plain line ends and nothing blank around it; refuse control characters."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n").strip(_BLANKS)
    if any(unicodedata.category(character) == "Cc" and character not in "\t\n" for character in unix):
        raise KeyRefused("control_characters")
    return unix


def _pieces(text: str) -> list[str]:
    """Return the blocks from BEGIN to END, and every other line that is neither blank nor a # remark."""
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
    """Return the keys that stand in one line, each with what follows it."""
    starts = [match.start() for match in _TYPE_AND_KEY.finditer(piece)]
    if BEGIN_LINE.match(piece.lstrip()) or len(starts) < 2:
        return [piece]
    return [piece[start:end].strip() for start, end in pairwise([0, *starts[1:], len(piece)])]


def _usable(candidates: list[str]) -> tuple[PublicKey, ...]:
    """Return the different keys among the candidates that would be accepted by themselves."""
    found: dict[bytes, PublicKey] = {}
    for single in (single for candidate in candidates for single in _singles(candidate)):
        try:
            key = _parse_piece(single)
        except KeyRefused:
            continue
        found.setdefault(key.blob, key)
    return tuple(found.values())


def _parse_piece(piece: str) -> PublicKey:
    """Read one block or one line."""
    if BEGIN_LINE.match(piece.lstrip()):
        blob, comment, notice = convert(piece)
        return _checked(blob, None, comment, notice)
    word, *rest = piece.split(None, 1)
    if not (word in ACCEPTED_TYPES or speakable(word)):
        raise _refusal_for_line(piece, word)
    if word not in ACCEPTED_TYPES:
        raise refusal_for_type(word)
    if not rest:
        raise KeyRefused("key_missing")
    encoded, *comment_parts = rest[0].split(None, 1)
    comment = comment_parts[0].strip() if comment_parts else ""
    return _checked(_decode_key(encoded), word, comment, None)


def _decode_key(encoded: str) -> bytes:
    """Return the blob. A text both cut and oddly padded is called cut off: that is what happened to it."""
    try:
        return key_base64.decode(encoded)
    except KeyRefused as refusal:
        if refusal.reason == "bad_base64" and key_base64.ALPHABET.fullmatch(encoded):
            _refuse_if_cut(key_base64.decode_start(encoded))
        raise


def _refuse_if_cut(start: bytes) -> None:
    try:
        key_blob.examine(start)
    except KeyRefused as refusal:
        if refusal.reason == "cut_off":
            raise KeyRefused("cut_off") from None


def _checked(blob: bytes, word: str | None, comment: str, notice: str | None) -> PublicKey:
    """Return the key if blob and comment are in order."""
    key_type, bits = key_blob.examine(blob, word)
    # A comment put together from continued lines can hold what the whole text did not show.
    if is_private_key(comment):
        raise KeyRefused("private_key")
    if _TYPE_AND_KEY.search(comment):
        raise KeyRefused("several_keys")
    if not all(character.isprintable() or unicodedata.category(character) == "Zs" for character in comment):
        raise KeyRefused("comment_characters")
    return PublicKey(key_type, bits, blob, comment, notice)


def _refusal_for_line(line: str, word: str) -> KeyRefused:
    """Say what a line is that does not start with a key type."""
    known = next((match for match in _TYPE_AND_KEY.finditer(line) if speakable(match.group(1))), None)
    if _OPTION.match(line) and (known or "ssh-" in line or "ecdsa-" in line):
        return KeyRefused("options_prefix")
    if known and known.start():
        return KeyRefused("text_before_key")
    if _TYPE_AND_KEY.match(line):
        return refusal_for_type(word)
    if word.startswith("AAAA"):
        return KeyRefused("type_missing")
    if _SSH1.match(line):
        return KeyRefused("ssh1_key")
    if _FINGERPRINT.search(line):
        return KeyRefused("fingerprint_only")
    if _FILE_NAME.fullmatch(line):
        return KeyRefused("file_name")
    return KeyRefused("not_a_key")


def _parse_wrapped(pieces: list[str]) -> PublicKey:
    """Join a key that a mail program or terminal broke into lines of one width; refuse other line breaks.

    Safe because a blob says itself how long it is: the joined line is a whole key or it is refused. A line
    that is complete by itself is never joined with what follows.
    """
    if any(BEGIN_LINE.match(piece) for piece in pieces):
        raise KeyRefused("line_break")
    word, *first_part = pieces[0].split()
    if word not in ACCEPTED_TYPES:
        raise _refusal_for_line(pieces[0], word) if not _holds_key(pieces[0]) else KeyRefused("line_break")
    lines = pieces if first_part else pieces[1:]
    widths = {len(line) for line in lines[:-1]}
    wrapped = not widths or (len(widths) == 1 and min(widths) in WRAP_WIDTHS)
    if len(first_part) > 1 or not wrapped or (widths and len(lines[-1].split()[0]) > min(widths)):
        raise KeyRefused("line_break")
    body = "".join([*first_part, *pieces[1:-1]])
    # The last break may have fallen between key and comment; not the only one, see above.
    separators = ("", " ") if len(lines) > 2 else ("",)
    for separator in separators:
        try:
            key = _parse_piece(f"{word} {body}{separator}{pieces[-1]}")
        except KeyRefused as refusal:
            if refusal.reason in _SURE_REASONS:
                raise
            continue
        notice = f"The line was broken into several and has been joined again. {SAME_KEY}"
        return PublicKey(key.type, key.bits, key.blob, key.comment, notice)
    raise KeyRefused("line_break")

"""Recognise private keys in every common format, so that they are never stored. Pure."""

import re

from accounts.keys.key_base64 import decode_start

# All repetitions are bounded, so that the search stays fast for any 16 KiB of text.
_MARKERS = re.compile(
    r"(BEGIN|END)\s[\w\s]{0,40}PRIVATE\s{1,9}KEY"  # OPENSSH, RSA, EC, DSA, PKCS#8, ENCRYPTED, SSH2 ENCRYPTED, PGP
    r"|PRIVATE\s{1,9}KEY[\s\w]{0,20}-----"
    r"|PuTTY-User-Key-File-\d"
    r"|^[ \t]*Private-(Lines|MAC|Hash):"
    r"|SSH PRIVATE KEY FILE FORMAT"  # SSH protocol 1
    r"|AGE-SECRET-KEY-1",
    re.IGNORECASE | re.MULTILINE,
)
_JSON_WEB_KEY_SECRET = re.compile(r'"d"\s{0,9}:')
_OPENSSH_MAGIC = b"openssh-key-v1\x00"
_PBES2_OID = bytes.fromhex("06092a864886f70d01050d")
_HEAD_CHARACTERS = 64


def is_private_key(text: str) -> bool:
    """Return whether the text is or contains a private key, with or without its BEGIN and END lines."""
    # UTF-16 decoded as something else has NUL bytes between the letters.
    visible = text.replace("\x00", "")
    if _MARKERS.search(visible) or ('"kty"' in visible and _JSON_WEB_KEY_SECRET.search(visible)):
        return True
    return any(_is_private_body(word[:_HEAD_CHARACTERS]) for word in visible.split())


def _is_private_body(head: str) -> bool:
    """Return whether base64 text starts like a private key."""
    raw = decode_start(head)
    return raw.startswith(_OPENSSH_MAGIC) or _is_private_der(raw)


def _is_private_der(raw: bytes) -> bool:
    """Return whether DER starts like a private key: with a SEQUENCE whose first element is a version number."""
    if len(raw) < 8 or raw[0] != 0x30:
        return False
    header = 2 + (raw[1] & 0x7F if raw[1] & 0x80 else 0)
    return raw[header : header + 3] in (b"\x02\x01\x00", b"\x02\x01\x01") or _PBES2_OID in raw

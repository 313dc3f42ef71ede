"""Knows a private key when it sees one, in any form. Pure; keeps and repeats nothing of it."""

import re

from accounts.keys.key_base64 import decode_start

# Every repetition is bounded, so that no text of 16 KiB takes long to search.
_MARKS = re.compile(
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
    """Return whether the text is, or holds, a private key, even without the lines around it."""
    # NUL bytes come from UTF-16 read as something else; they must not hide the mark.
    visible = text.replace("\x00", "")
    if _MARKS.search(visible) or ('"kty"' in visible and _JSON_WEB_KEY_SECRET.search(visible)):
        return True
    return any(_is_private_body(word[:_HEAD_CHARACTERS]) for word in visible.split())


def _is_private_body(head: str) -> bool:
    """Look at the start of base64 whose BEGIN and END lines were left out."""
    raw = decode_start(head)
    return raw.startswith(_OPENSSH_MAGIC) or _is_private_der(raw)


def _is_private_der(raw: bytes) -> bool:
    """In DER a private key is a SEQUENCE that starts with a version number; a public key is not."""
    if len(raw) < 8 or raw[0] != 0x30:
        return False
    header = 2 + (raw[1] & 0x7F if raw[1] & 0x80 else 0)
    return raw[header : header + 3] in (b"\x02\x01\x00", b"\x02\x01\x01") or _PBES2_OID in raw

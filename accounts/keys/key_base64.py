"""Decode the base64 of a key as strictly as OpenSSH, and tell shortened text from wrong text. Pure."""

import base64
import binascii
import re

from accounts.keys.key_refusals import KeyRefusalReason, KeyRefused

ALPHABET = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_SHORTENED = re.compile(r"\.\.\.|…")


def decode(text: str) -> bytes:
    """Return the decoded bytes. Raise KeyRefused unless the text is their canonical encoding."""
    if _SHORTENED.search(text):
        raise KeyRefused(KeyRefusalReason.CUT_OFF)
    if not ALPHABET.fullmatch(text):
        raise KeyRefused(KeyRefusalReason.BAD_BASE64)
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise KeyRefused(KeyRefusalReason.BAD_BASE64) from None
    if base64.b64encode(raw).decode("ascii") != text:
        raise KeyRefused(KeyRefusalReason.BAD_BASE64)
    return raw


def decode_start(text: str) -> bytes:
    """Return the bytes of the complete groups of four at the start. Only to inspect: the rest is ignored."""
    clean = ALPHABET.match(text)
    usable = clean.group().rstrip("=") if clean else ""
    return base64.b64decode(usable[: len(usable) // 4 * 4])

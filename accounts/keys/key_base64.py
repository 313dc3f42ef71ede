"""Strict base64 for keys: what OpenSSH would refuse is refused; a cut text is told from a wrong one. Pure."""

import base64
import binascii
import re

from accounts.keys.key_refusals import KeyRefused

ALPHABET = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_SHORTENED = re.compile(r"\.\.\.|…")


def decode(text: str) -> bytes:
    """Return the bytes; raise KeyRefused when the text is not the one right spelling of them."""
    if _SHORTENED.search(text):
        raise KeyRefused("cut_off")
    if not ALPHABET.fullmatch(text):
        raise KeyRefused("bad_base64")
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise KeyRefused("bad_base64") from None
    if base64.b64encode(raw).decode("ascii") != text:
        raise KeyRefused("bad_base64")
    return raw


def decode_start(text: str) -> bytes:
    """Return what the whole groups of four at the start decode to; for looking, not for keeping."""
    clean = ALPHABET.match(text)
    usable = clean.group().rstrip("=") if clean else ""
    return base64.b64decode(usable[: len(usable) // 4 * 4])

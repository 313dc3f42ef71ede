"""Recognise key material in a name or a note, where people paste it by mistake. Pure."""

import re
from enum import StrEnum
from itertools import pairwise

from accounts.keys.key_refusals import ACCEPTED_TYPES, OTHER_TYPES
from accounts.keys.private_keys import is_private_key

_PUBLIC_KEY = re.compile(
    r"BEGIN\s[\w\s]{0,40}PUBLIC\s{1,9}KEY"  # PEM, PKCS#8, RFC 4716
    r"|(?<![A-Za-z0-9+/])AAAA[A-Za-z0-9+/]{12}"  # base64 of a short string of the wire form: every OpenSSH key
)
_RUN = re.compile(r"(?<![A-Za-z0-9+/:])[A-Za-z0-9+/]{40,}")  # after a colon it is a fingerprint


class KeyMaterial(StrEnum):
    """What a text has in it that belongs in another field, or nowhere."""

    NONE = ""
    PUBLIC = "public"
    PRIVATE = "private"  # or a piece of a key that may be private


def key_material_in(text: str) -> KeyMaterial:
    """Return what kind of key the text has in it, whole or in part."""
    if is_private_key(text):
        return KeyMaterial.PRIVATE
    words = text.split()
    if _PUBLIC_KEY.search(text) or any(word in ACCEPTED_TYPES or word in OTHER_TYPES for word in words[:-1]):
        return KeyMaterial.PUBLIC
    return KeyMaterial.PRIVATE if any(map(_is_random, _RUN.findall(text))) else KeyMaterial.NONE


def _is_random(run: str) -> bool:
    """Return whether base64 text looks random, as a line of a key file does. Hashes in hexadecimal and paths do not."""
    kinds = ["upper" if c.isupper() else "lower" if c.islower() else "other" for c in run]
    changes = sum(one != other for one, other in pairwise(kinds))
    return {"upper", "lower"} <= set(kinds) and changes * 5 >= len(run) * 2

"""Which environment variables a node takes from a client: a locale only if the node has it.

A program that is told of a locale that is not installed falls back to ASCII, and every other letter is lost.
"""

import ctypes
import re
from collections.abc import Mapping
from functools import cache

TAKEN_AS_SENT = frozenset({"COLORTERM", "TZ"})
# As in locale(7). LANGUAGE is no locale but a list of languages to translate messages to; no program fails for it.
LOCALE_VARIABLES = frozenset(
    {
        "LANG",
        *(
            "LC_ALL",
            "LC_ADDRESS",
            "LC_COLLATE",
            "LC_CTYPE",
            "LC_IDENTIFICATION",
            "LC_MEASUREMENT",
            "LC_MESSAGES",
        ),
        *("LC_MONETARY", "LC_NAME", "LC_NUMERIC", "LC_PAPER", "LC_TELEPHONE", "LC_TIME"),
    }
)
# The other names of that form are no locales: tools pass values of their own in them, because servers accept LC_*.
LOCALE_PREFIX = "LC_"
_ALL_CATEGORIES = 0x1FBF
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}")

_libc = ctypes.CDLL(None)
_libc.newlocale.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_libc.newlocale.restype = ctypes.c_void_p
_libc.freelocale.argtypes = (ctypes.c_void_p,)
_libc.freelocale.restype = None


@cache
def has_locale(name: str) -> bool:
    """Return whether the machine, and so every node, has the locale of this name, in any spelling that it knows."""
    if not _NAME.fullmatch(name):
        return False
    found = _libc.newlocale(_ALL_CATEGORIES, name.encode(), None)
    if not found:
        return False
    _libc.freelocale(found)
    return True


def accepted_environment(sent: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a client that its programs on a node get."""
    return {name: value for name, value in sent.items() if "\0" not in value and _is_accepted(name, value)}


def _is_accepted(name: str, value: str) -> bool:
    if name in LOCALE_VARIABLES:
        return has_locale(value)
    return name in TAKEN_AS_SENT or name.startswith(LOCALE_PREFIX)

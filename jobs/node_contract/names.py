"""Names that nodes and their files may have."""

import re
from typing import Any

from jobs.node_contract.documents import InvalidDocument, require_list

NODE_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
RESERVED_NAMES = frozenset({"root", "nobody", "localhost"})
LONGEST_FILE_NAME = 64


def read_file_name(value: Any) -> str:
    """Return a name that is safe as a file's name on a node: never a path. Raises InvalidDocument."""
    good = isinstance(value, str) and 0 < len(value) <= LONGEST_FILE_NAME and value[0] not in ".-"
    if not good or not all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in value):
        raise InvalidDocument("invalid_name", f"{value!r} cannot be the name of a file.")
    return str(value)


def read_file_names(value: Any, field: str) -> tuple[str, ...]:
    """Return a list of such names. Raises InvalidDocument."""
    return tuple(map(read_file_name, require_list(value, field)))

"""Names that nodes and their files may have."""

import re
from typing import Any, TypeGuard

from jobs.node_contract.documents import InvalidDocument, require_list

NODE_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
RESERVED_NAMES = frozenset({"root", "nobody", "localhost"})
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


def is_node_name(value: Any) -> TypeGuard[str]:
    """Whether a node of a cluster may have this name, which is also the name of its host."""
    return isinstance(value, str) and bool(NODE_NAME.fullmatch(value)) and value not in RESERVED_NAMES


def is_file_name(value: Any) -> TypeGuard[str]:
    """Whether a name is safe as a file's name on a node: never a path."""
    return isinstance(value, str) and bool(FILE_NAME.fullmatch(value))


def read_file_name(value: Any) -> str:
    """Return a name that is safe as a file's name on a node. Raises InvalidDocument."""
    if not is_file_name(value):
        raise InvalidDocument("invalid_name", f"{value!r} cannot be the name of a file.")
    return value


def read_file_names(value: Any, field: str) -> tuple[str, ...]:
    """Return a list of such names. Raises InvalidDocument."""
    return tuple(map(read_file_name, require_list(value, field)))

"""Ids as Rescale's clients know them: six letters, mixed case."""

import secrets
import string
from collections.abc import Callable

LENGTH = 6


def new_id() -> str:
    """A random id: 52**6, about 2 * 10**10. The primary key tells of the rare double."""
    return "".join(secrets.choice(string.ascii_letters) for _ in range(LENGTH))


def free_id(is_taken: Callable[[str], bool]) -> str:
    """A random id that nothing has yet, as `is_taken` judges it."""
    while is_taken(found := new_id()):
        pass
    return found

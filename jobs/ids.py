"""Ids in the form Rescale's clients expect: six letters, mixed case."""

import secrets
import string
from collections.abc import Callable

LENGTH = 6


def new_id() -> str:
    """Return a random id out of 52**6, about 2 * 10**10. A duplicate is rare; the primary key rejects it."""
    return "".join(secrets.choice(string.ascii_letters) for _ in range(LENGTH))


def free_id(is_taken: Callable[[str], bool]) -> str:
    """Return a random id for which `is_taken` is false."""
    while is_taken(found := new_id()):
        pass
    return found

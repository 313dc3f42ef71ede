"""Who somebody is in a terminal: its owner, a guest it is shared with, or an administrator who watches. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """In which capacity somebody is in a terminal."""

    OWNER = "owner"
    GUEST = "guest"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Participant:
    """One person in one terminal, and what they may do, as the database said last."""

    role: Role
    person_id: int
    name: str
    may_type: bool

    @property
    def is_owner(self) -> bool:
        """Whether they own it: only the owner's windows set the terminal's size, and only the owner closes it."""
        return self.role is Role.OWNER

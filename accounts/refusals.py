"""How the portal refuses a request: a stable word for programs and a message for people.

Pages, the REST API, websockets and commands each turn `Refused` into a response of their own.
"""

from enum import StrEnum
from typing import Self


class ReasonWithMessage(StrEnum):
    """Base of enums of reasons that always have the same message. The value is the word, `message` the sentence."""

    message: str

    def __new__(cls, value: str, message: str) -> Self:
        """Make a member that equals the word and carries its message."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.message = message
        return member


class Refused(Exception):
    """Raised when a request is refused.

    `reason` is a stable snake_case word, `message` says what was wrong and what to do instead, `field` names the input
    at fault if there is one, `status` is the HTTP status that fits. The message is shown to people and written to
    logs: it must never hold a secret.
    """

    def __init__(self, reason: str, message: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(reason, message)
        self.reason = str(reason)  # plain, whatever enum it comes from
        self.message = message
        self.field = field
        self.status = status

    def __str__(self) -> str:
        return self.message


class SeveralRefused(Refused):
    """Raised when several things are wrong. `problems` holds a refusal for each, with its field."""

    def __init__(self, problems: list[Refused]) -> None:
        first = problems[0]
        super().__init__(first.reason, first.message, field=first.field)
        self.problems = problems

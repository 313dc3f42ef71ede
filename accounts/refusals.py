"""How the portal says no: a stable word for programs and a sentence for people.

`Refused` is the one exception that every door (page, REST API, websocket, command line) turns into an answer.
"""


class Refused(Exception):
    """Raised when what was asked cannot be done.

    `reason` is a stable snake_case word, `message` says what was wrong and what to do instead, `field` names
    the input at fault if there is one, `status` is the HTTP status that fits. The message is shown to people
    and written to logs: it must never hold a secret.
    """

    def __init__(self, reason: str, message: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
        self.field = field
        self.status = status

    def __str__(self) -> str:
        return self.message


class SeveralRefused(Refused):
    """What was asked has several things wrong with it; `problems` holds every one, each with its field."""

    def __init__(self, problems: list[Refused]) -> None:
        first = problems[0]
        super().__init__(first.reason, first.message, field=first.field)
        self.problems = problems

"""The calls a node makes to the context broker: their paths below the broker's URL, and their bodies.

Every call is a POST with a JSON body and `Authorization: Node <one-time token>`. The body of `register` is a
`Registration`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jobs.node_contract.boot_lines import BootStreamLine, read_lines
from jobs.node_contract.documents import InvalidDocument

AUTHORIZATION_SCHEME = "Node"
BAD_REPORT = "bad_report"


class BrokerCall(StrEnum):
    """A call, by its path."""

    REGISTER = "register/"
    PEERS = "peers/"
    PROGRESS = "progress/"
    REPORT = "report/"


class BootOutcome(StrEnum):
    """How a node's start went."""

    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True)
class Report:
    """The body of `report`: the outcome, the log, and the lines that were not sent before."""

    outcome: BootOutcome
    log: str
    lines: Sequence[BootStreamLine] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the body that `read_report` reads."""
        return {"outcome": self.outcome.value, "log": self.log, **progress_body(self.lines)}


def authorization(token: str) -> str:
    """Return the value of the Authorization header."""
    return f"{AUTHORIZATION_SCHEME} {token}"


def peers_body(some_will_do: bool) -> dict[str, Any]:
    """Return the body of `peers`. With `some_will_do` the node accepts the providers that are there."""
    return {"some_will_do": some_will_do}


def read_some_will_do(document: Mapping[str, Any]) -> bool:
    """Return what the body of `peers` asks for. Anything but a JSON true counts as false."""
    return document.get("some_will_do") is True


def progress_body(lines: Sequence[BootStreamLine]) -> dict[str, Any]:
    """Return the body of `progress`, which `read_progress` reads."""
    return {"lines": [line.as_json() for line in lines]}


def read_progress(document: Mapping[str, Any]) -> list[BootStreamLine]:
    """Read the body of `progress`. Raises InvalidDocument (`bad_lines`)."""
    return read_lines(document.get("lines"))


def read_report(document: Mapping[str, Any]) -> Report:
    """Read the body of `report`. Raises InvalidDocument (`bad_report`, `bad_lines`)."""
    outcome, log = document.get("outcome"), document.get("log", "")
    if not isinstance(outcome, str) or outcome not in set(BootOutcome) or not isinstance(log, str):
        raise InvalidDocument(BAD_REPORT, "A report has an outcome (ok or error) and a log (text).")
    return Report(BootOutcome(outcome), log, read_lines(document.get("lines", [])))

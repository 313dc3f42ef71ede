"""What is kept of a node, and the small pure helpers of its life."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jobs.simulator.cloud.addresses import Place

ENDED = frozenset({"stopped", "failed"})


@dataclass
class Record:
    """What is kept of a node on disk."""

    place: Place
    state: str = "booting"
    reason: str = ""
    log: list[str] = field(default_factory=list)
    context: dict[str, Any] | None = None
    reported: bool = False
    boots: int = 0  # how often it was booted again: numbers of the lines it tells begin anew with each
    done: list[str] = field(default_factory=list)  # phases that need not be done again


class BootFailed(Exception):
    """The node cannot start; a word and a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def broadcast(hostname: str, *messages: str) -> str:
    """What `wall` writes to every terminal; messages without anything that could steer one."""
    now = datetime.now(UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC")
    text = f"\r\nBroadcast message from root@{hostname} ({now}):\r\n\r\n"
    for message in messages:
        clean = "".join(character if character.isprintable() else " " for character in message)[:1000].strip()
        text += f"{clean}\r\n" if clean else ""
    return text

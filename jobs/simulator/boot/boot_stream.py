"""What a node tells the broker of its boot, line by line: numbered, sent while things take long, else at the end."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from jobs.simulator.boot.broker_client import Broker, BrokerRefused, BrokerSilent, clean

# A node that is booted again goes on with the next multiple: no number is used twice.
NUMBERS_OF_A_BOOT = 100_000
GATHER_SECONDS = 0.3
MOST_LINES, MOST_CHARACTERS = 500, 100_000
LONGEST_TEXT = 8192


class BootStream:
    """Lines wait here until the broker has them; what was sent and not answered is sent again under its number."""

    def __init__(self, broker: Broker, boots: int) -> None:
        self._broker = broker
        self._number = boots * NUMBERS_OF_A_BOOT
        self._waiting: list[dict[str, Any]] = []
        self._sender: asyncio.Task[None] | None = None

    def add(self, at: datetime, text: str, phase: str = "", mark: str = "") -> None:
        """Another line, or several when the text is long."""
        text = clean(text)
        for start in range(0, max(len(text), 1), LONGEST_TEXT):
            self._number += 1
            self._waiting.append(
                {
                    "sequence": self._number,
                    "at": at.astimezone(UTC).isoformat(),
                    "phase": phase,
                    "mark": mark,
                    "text": text[start : start + LONGEST_TEXT],
                }
            )

    def soon(self) -> None:
        """Something may take long from here on: let the broker have what there is in a moment."""
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())

    async def rest(self) -> list[dict[str, Any]]:
        """Stop sending; the lines the broker has not confirmed, few enough for one report."""
        self.close()
        while len(batch := self._batch()) < len(self._waiting):
            await self._broker.progress(batch)
            del self._waiting[: len(batch)]
        return self._waiting

    def close(self) -> None:
        """Send nothing more on our own account."""
        if self._sender is not None:
            self._sender.cancel()

    async def _send(self) -> None:
        """Gather for a moment, send, until nothing is left. Who follows sees less for a while when it fails."""
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_SECONDS)
                batch = self._batch()
                await self._broker.progress(batch)
                del self._waiting[: len(batch)]
        except (BrokerRefused, BrokerSilent):
            return

    def _batch(self) -> list[dict[str, Any]]:
        """As many of the oldest lines as go into one message."""
        size = 0
        for count, line in enumerate(self._waiting[:MOST_LINES]):
            size += len(line["text"])
            if size > MOST_CHARACTERS:
                return self._waiting[: max(count, 1)]
        return self._waiting[:MOST_LINES]

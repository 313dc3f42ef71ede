"""Send a node's boot lines to the broker: at once while something takes long, the rest with the report."""

import asyncio
from datetime import datetime

from jobs.node_contract.boot_lines import SEQUENCES_PER_BOOT, BootStreamLine, PhaseMark, split_text
from jobs.simulator.boot.broker_client import BrokerClient, BrokerRefused, BrokerSilent
from jobs.simulator.boot.printable import without_controls

GATHER_SECONDS = 0.3
# Of one message; less than the broker takes.
MAX_LINES, MAX_CHARACTERS = 500, 100_000
LONGEST_TEXT = 8192


class BootStream:
    """Keeps lines until the broker has them. Lines that were sent without an answer are sent again unchanged."""

    def __init__(self, broker: BrokerClient, boots: int) -> None:
        self._broker = broker
        self._sequence = boots * SEQUENCES_PER_BOOT
        self._unsent: list[BootStreamLine] = []
        self._sender: asyncio.Task[None] | None = None

    def add(self, at: datetime, text: str, phase: str, mark: PhaseMark) -> None:
        """Add a line, or several if the text is long."""
        for piece in split_text(without_controls(text), LONGEST_TEXT):
            self._sequence += 1
            self._unsent.append(BootStreamLine(self._sequence, at, phase, mark, piece))

    def send_soon(self) -> None:
        """Send what there is in a moment, because something may take long from here on."""
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())

    async def finish(self) -> list[BootStreamLine]:
        """Stop sending; return the lines that the broker has not confirmed, few enough for one report."""
        self.close()
        while len(batch := self._batch()) < len(self._unsent):
            await self._broker.progress(batch)
            del self._unsent[: len(batch)]
        return self._unsent

    def close(self) -> None:
        """Stop sending."""
        if self._sender is not None:
            self._sender.cancel()

    async def _send(self) -> None:
        """Gather lines for a moment and send them, until none is left. If it fails, they go with the next ones."""
        try:
            while self._unsent:
                await asyncio.sleep(GATHER_SECONDS)
                batch = self._batch()
                await self._broker.progress(batch)
                del self._unsent[: len(batch)]
        except (BrokerRefused, BrokerSilent):
            return

    def _batch(self) -> list[BootStreamLine]:
        """Return as many of the oldest lines as fit into one message."""
        size = 0
        for count, line in enumerate(self._unsent[:MAX_LINES]):
            size += len(line.text)
            if size > MAX_CHARACTERS:
                return self._unsent[: max(count, 1)]
        return self._unsent[:MAX_LINES]

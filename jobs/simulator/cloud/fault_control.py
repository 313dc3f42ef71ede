"""Switch faults on and off, apply them to running nodes, and end them when their time is over."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobs.simulator.cloud.node import Node
from jobs.simulator.faults.fault_kinds import KINDS, FaultName
from jobs.simulator.faults.fault_rules import Faults
from jobs.simulator.spec import RequestRefused

EXPIRY_SLACK_SECONDS = 0.01


class FaultControl:
    """`nodes` returns those that are up; `unavailable` says why some faults cannot be had on this machine."""

    def __init__(
        self,
        faults: Faults,
        nodes: Callable[[], Sequence[Node]],
        unavailable: Callable[[], Mapping[FaultName, str]],
    ) -> None:
        self._faults, self._nodes, self._unavailable = faults, nodes, unavailable
        self._expiry: asyncio.TimerHandle | None = None
        self._expiring: asyncio.Task[None] | None = None

    def document(self) -> dict[str, Any]:
        """Return the faults that are on, and the kinds there are."""
        missing = self._unavailable()
        kinds = [{**kind.as_json(), "missing": missing.get(kind.name, "")} for kind in KINDS.values()]
        return {"faults": self._faults.as_json(), "kinds": kinds}

    async def change(self, document: Any) -> dict[str, Any]:
        """Switch faults on and off. Those about running nodes act before this returns. Raises Refused."""
        missing = self._unavailable()
        for name, fields in document.items() if isinstance(document, dict) else ():
            if name in missing and fields is not None:
                raise RequestRefused("fault_not_here", missing[name])
        self._faults.change(document)
        await self._apply()
        return self.document()

    async def _apply(self) -> None:
        await asyncio.gather(*(node.apply_faults() for node in self._nodes()))
        self.close()
        if (ends_at := self._faults.next_end()) is not None:
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_at(ends_at + EXPIRY_SLACK_SECONDS, self._expire)

    def _expire(self) -> None:
        self._faults.expire()
        self._expiring = asyncio.create_task(self._apply())

    def close(self) -> None:
        """Wait for no fault to end any more."""
        if self._expiry is not None:
            self._expiry.cancel()

"""Call the portal's context broker for one node: register, ask for peers, send the boot stream, report."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from jobs.node_contract import broker_calls
from jobs.node_contract.boot_lines import BootStreamLine
from jobs.node_contract.broker_calls import BootOutcome, BrokerCall, Report
from jobs.node_contract.documents import InvalidDocument
from jobs.node_contract.node_context import NodeContext, read_node_context
from jobs.node_contract.peers import Peers, read_peers
from jobs.node_contract.registration import Registration
from jobs.simulator.boot.printable import without_controls

GIVE_UP_SECONDS = 60.0
CALL_SECONDS = 15.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 5.0
LONGEST_LOG = 200_000
# Statuses of the class 4xx that a later attempt may not get.
TEMPORARY = (408, 425, 429)


class BrokerRefused(Exception):
    """The broker refused (4xx) or its answer cannot be used: another attempt would not help."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


class BrokerSilent(Exception):
    """The broker did not answer properly within the time that a node waits."""


class BrokerClient:
    """Calls for one node, with its one-time token.

    `delivers_twice` tells whether everything is sent twice (the fault `duplicate_answers`).
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        token: str,
        delivers_twice: Callable[[], bool] = lambda: False,
    ) -> None:
        self._http, self._url = http, url
        self._headers = {"Authorization": broker_calls.authorization(token)}
        self._delivers_twice = delivers_twice

    async def register(self, registration: Registration, username: str) -> NodeContext:
        """Return what the node is told. The same registration again gets the same answer."""
        document = await self._call(BrokerCall.REGISTER, registration.as_json())
        try:
            return read_node_context(document, username)
        except InvalidDocument as error:
            raise _unusable(error) from None

    async def peers(self, some_will_do: bool) -> Peers:
        """Return who provides what the node requires. With `some_will_do` those who are there may be enough."""
        document = await self._call(BrokerCall.PEERS, broker_calls.peers_body(some_will_do))
        try:
            return read_peers(document)
        except InvalidDocument as error:
            raise _unusable(error) from None

    async def progress(self, lines: Sequence[BootStreamLine]) -> None:
        """Send lines of the boot stream. The same lines again do no harm."""
        await self._call(BrokerCall.PROGRESS, broker_calls.progress_body(lines))

    async def report(self, outcome: BootOutcome, log: str, lines: Sequence[BootStreamLine]) -> None:
        """Report how the start went, with the end of its log and the lines that were not sent before."""
        report = Report(outcome, without_controls(log[-LONGEST_LOG:]), lines)
        await self._call(BrokerCall.REPORT, report.as_json())

    async def _call(self, call: BrokerCall, body: dict[str, Any]) -> dict[str, Any]:
        """Try until the broker answers, with longer and longer waits. Raises BrokerRefused, BrokerSilent."""
        deadline, wait = time.monotonic() + GIVE_UP_SECONDS, FIRST_WAIT_SECONDS
        while True:
            try:
                response = await self._post(call, body)
                if response.status_code < 300:
                    if self._delivers_twice():
                        with contextlib.suppress(httpx.HTTPError):
                            await self._post(
                                call, body
                            )  # whatever the second answer is, the first one counts
                    document = response.json()
                    return document if isinstance(document, dict) else {}
                if 400 <= response.status_code < 500 and response.status_code not in TEMPORARY:
                    raise _refusal(response)
                problem = f"HTTP {response.status_code}"
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                problem = str(error) or type(error).__name__
            if time.monotonic() + wait > deadline:
                raise BrokerSilent(f"The context broker at {self._url} did not answer: {problem}")
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _post(self, call: BrokerCall, body: dict[str, Any]) -> httpx.Response:
        return await self._http.post(
            self._url + call.value, json=body, headers=self._headers, timeout=CALL_SECONDS
        )


def _unusable(error: InvalidDocument) -> BrokerRefused:
    return BrokerRefused(200, "invalid_context", f"The broker's answer cannot be used: {error.message}")


def _refusal(response: httpx.Response) -> BrokerRefused:
    try:
        document = response.json()
    except ValueError:
        document = {}
    document = document if isinstance(document, dict) else {}
    reason = str(document.get("reason") or "context_refused")[:64]
    message = str(document.get("message") or document.get("detail") or f"HTTP {response.status_code}")[:500]
    return BrokerRefused(response.status_code, reason, message)

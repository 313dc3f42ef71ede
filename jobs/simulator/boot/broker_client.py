"""A node phones home: it registers with the portal's context broker and reports how its start went."""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from jobs.simulator.boot.node_context import NodePlan, Peers, read_peers, read_plan
from jobs.simulator.spec import Access, Refused, read_access, read_environment, read_lines

GIVE_UP_SECONDS = 60.0
CALL_SECONDS = 15.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 5.0
LONGEST_LOG = 200_000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class BrokerRefused(Exception):
    """The broker answered that this node may not (a 4xx): retrying would not help."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


class BrokerSilent(Exception):
    """The broker did not answer properly within the time a node waits."""


@dataclass(frozen=True)
class Context:
    """What the broker gives a node for its life."""

    access: Access
    environment: dict[str, str]
    host_certificates: tuple[str, ...]
    motd: str
    plan: NodePlan

    def as_json(self) -> dict[str, Any]:
        """The part that belongs to the node; the access document belongs to its cluster."""
        return {
            "environment": self.environment,
            "host_certificates": list(self.host_certificates),
            "motd": self.motd,
        }


class Broker:
    """Calls for one node, with its one-time token."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, token: str, twice: Callable[[], bool] = lambda: False
    ) -> None:
        """`twice` tells whether (the fault `duplicate_answers`) everything is delivered twice."""
        self._twice = twice
        self._client, self._url, self._headers = client, url, {"Authorization": f"Node {token}"}

    async def register(self, identity: dict[str, Any], username: str) -> Context:
        """Report who we are; the same call again gets the same answer."""
        document = await self._post("register/", identity)
        try:
            if document.get("username") != username:
                raise Refused("invalid_context", "The context is for another user.")
            return Context(
                read_access(document),
                read_environment(document.get("environment") or {}),
                read_lines(document, "host_certificates"),
                str(document.get("motd") or "")[:10_000],
                read_plan(document),
            )
        except Refused as wrong:
            raise _unusable(wrong) from None

    async def peers(self, some_will_do: bool) -> Peers:
        """Who provides what this node requires. With `some_will_do` those who are there may be enough."""
        document = await self._post("peers/", {"some_will_do": some_will_do})
        try:
            return read_peers(document)
        except Refused as wrong:
            raise _unusable(wrong) from None

    async def progress(self, lines: list[dict[str, Any]]) -> None:
        """Send lines of the boot stream; the same lines again do no harm."""
        await self._post("progress/", {"lines": lines})

    async def report(self, outcome: str, log: str, lines: list[dict[str, Any]]) -> None:
        """Say how the start went, with the whole log of it and the lines not sent before."""
        await self._post("report/", {"outcome": outcome, "log": clean(log[-LONGEST_LOG:]), "lines": lines})

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post until the broker answers; wait longer each time, up to a minute in all."""
        deadline, wait, trouble = time.monotonic() + GIVE_UP_SECONDS, FIRST_WAIT_SECONDS, ""
        while True:
            try:
                answer = await self._client.post(
                    self._url + path, json=body, headers=self._headers, timeout=CALL_SECONDS
                )
                if answer.status_code < 300:
                    if self._twice():
                        await self._again(path, body)
                    document = answer.json()
                    return document if isinstance(document, dict) else {}
                if 400 <= answer.status_code < 500 and answer.status_code not in (408, 425, 429):
                    raise _refusal(answer)
                trouble = f"HTTP {answer.status_code}"
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                trouble = str(error) or type(error).__name__
            if time.monotonic() + wait > deadline:
                raise BrokerSilent(f"The context broker at {self._url} did not answer: {trouble}")
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _again(self, path: str, body: dict[str, Any]) -> None:
        """The same once more; whatever the answer is, the first one counts."""
        with contextlib.suppress(httpx.HTTPError):
            await self._client.post(self._url + path, json=body, headers=self._headers, timeout=CALL_SECONDS)


def clean(text: str) -> str:
    """Without control characters: what programs print is shown to people and kept in databases."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def _unusable(wrong: Refused) -> BrokerRefused:
    return BrokerRefused(200, "invalid_context", f"The broker's answer cannot be used: {wrong.message}")


def _refusal(answer: httpx.Response) -> BrokerRefused:
    try:
        document = answer.json()
    except ValueError:
        document = {}
    document = document if isinstance(document, dict) else {}
    reason = str(document.get("reason") or "context_refused")[:64]
    message = str(document.get("message") or document.get("detail") or f"HTTP {answer.status_code}")[:500]
    return BrokerRefused(answer.status_code, reason, message)

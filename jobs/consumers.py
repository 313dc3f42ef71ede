"""The live Job Log: replay from a cursor, then follow.

The bell on the channel layer carries nothing but "read again": what is sent always comes from the rows, in
sequence, from the cursor on. A lost bell is made up for by a look at the rows every few seconds.
"""

import asyncio
import contextlib
import json
import logging
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from accounts.models import User
from accounts.users import session_validity
from jobs.access import node_access
from jobs.events import job_log

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
BATCH = 200
CLOSE_BAD_REQUEST = 4400
CLOSE_NOT_SIGNED_IN = 4401
CLOSE_NOT_FOUND = 4404
CLOSE_BROKEN = 1011


class _SignedOutError(Exception):
    """What the follower came in with holds no more."""


class JobEventsConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One follower of one job. Who may see the job is asked at every delivery."""

    async def connect(self) -> None:
        """1. Check the cursor and the job. 2. Join the bell. 3. Replay and follow."""
        self.job_id: str = self.scope["url_route"]["kwargs"]["job_id"]
        self.follow: asyncio.Task[None] | None = None
        self.woken = asyncio.Event()
        await self.accept()
        after = parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[-1]
        if not after.isascii() or not after.isdigit() or len(after) > 9:
            await self.close(CLOSE_BAD_REQUEST, "bad_cursor")
            return
        self.cursor = int(after)
        await self.channel_layer.group_add(job_log.group_name(self.job_id), self.channel_name)
        self.credential = session_validity.credential_of(self.scope)
        self.follow = asyncio.create_task(self._follow_or_close())

    async def disconnect(self, code: int) -> None:
        if self.follow is not None:
            self.follow.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.follow
        await self.channel_layer.group_discard(job_log.group_name(self.job_id), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing a follower says means anything; it is not an error either (keep-alives of proxies)."""

    async def job_bell(self, message: dict[str, Any]) -> None:
        self.woken.set()

    async def _follow_or_close(self) -> None:
        try:
            await self._follow()
        except Exception:
            # A mute socket would look like a quiet job: close it, and the follower comes back with its cursor.
            logger.exception("following job %s broke", self.job_id)
            await self.close(CLOSE_BROKEN, "broken")

    async def _follow(self) -> None:
        state: str | None = None
        while True:
            self.woken.clear()
            try:
                found = await self._read()
            except _SignedOutError:
                await self.close(CLOSE_NOT_SIGNED_IN, "not_signed_in")
                return
            if found is None:
                await self.close(CLOSE_NOT_FOUND, "not_found")
                return
            batch, new_state = found
            for event in batch:
                await self.send(json.dumps(event, ensure_ascii=False))
                self.cursor = event["sequence"]
            if len(batch) == BATCH:
                continue
            if new_state != state:
                # Not an event and so without a sequence: the page reads its state anew.
                if state is not None:
                    await self.send(json.dumps({"type": "state"}))
                state = new_state
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), LOOK_SECONDS)

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def _read(self) -> tuple[list[dict[str, Any]], str] | None:
        # Asked anew each time: the person may have been shut out, the token revoked since.
        if not session_validity.still_good(self.scope["user"].pk, self.credential):
            raise _SignedOutError
        user = User.objects.filter(pk=self.scope["user"].pk, is_active=True).first()
        if user is None:
            return None
        job = node_access.visible_jobs(user).filter(pk=self.job_id).first()
        if job is None:
            return None
        batch = [job_log.as_json(event) for event in job_log.page(job, self.cursor, BATCH)]
        cluster = getattr(job, "cluster", None)
        nodes = [(n.name, n.state, n.is_up, n.heard) for n in cluster.nodes.all()] if cluster else []
        state = json.dumps(
            [
                job.statuses.count(),
                job.outcome,
                cluster.observed_state if cluster else "",
                cluster.desired_state if cluster else "",
                nodes,
            ]
        )
        return batch, state

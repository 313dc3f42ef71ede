"""The live Job Log over a websocket: replay from a cursor, then follow.

The message on the channel layer only says "read again": everything sent to the client is read from the rows, in
sequence, starting at the cursor. The rows are also read every few seconds, in case a message was lost.
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
from jobs.access import job_visibility
from jobs.events import job_log

logger = logging.getLogger(__name__)

# A token that was ended, or a person signed out, is noticed within this time.
READ_EVERY_SECONDS = 4.0
BATCH = 200
CLOSE_BAD_REQUEST = 4400
CLOSE_NOT_SIGNED_IN = 4401
CLOSE_NOT_FOUND = 4404
CLOSE_BROKEN = 1011


class _SignedOutError(Exception):
    """The session or token that the follower connected with is no longer valid."""


class JobEventsConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One follower of one job. Its permission is checked again at every delivery."""

    async def connect(self) -> None:
        """Check the cursor, join the job's group, then replay and follow."""
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
        """Ignore what the client sends; proxies send keep-alives."""

    async def job_bell(self, message: dict[str, Any]) -> None:
        """Handle `job_log.MESSAGE_TYPE`: there is something new to read."""
        self.woken.set()

    async def _follow_or_close(self) -> None:
        try:
            await self._follow()
        except Exception:
            # A silent socket would look like a quiet job. Close it; the client reconnects with its cursor.
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
                # Not an event, so without a sequence: it tells the page to load the state again. Also at first: what
                # changed between the page's making and this moment was told to nobody.
                await self.send(json.dumps({"type": "state"}))
                state = new_state
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), READ_EVERY_SECONDS)

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def _read(self) -> tuple[list[dict[str, Any]], str] | None:
        # Checked each time: the person may have been deactivated or the token revoked since.
        if not session_validity.is_credential_valid(self.scope["user"].pk, self.credential):
            raise _SignedOutError
        user = User.objects.filter(pk=self.scope["user"].pk, is_active=True).first()
        if user is None:
            return None
        job = job_visibility.visible_jobs(user).filter(pk=self.job_id).first()
        if job is None:
            return None
        batch = [job_log.as_json(event) for event in job_log.read_page(job, self.cursor, BATCH)]
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

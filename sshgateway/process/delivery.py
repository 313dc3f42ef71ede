"""Send a terminal's frames to one client's websocket until the end: each delivery is the sink of one attachment.

`DirectDelivery` sends in the very call in which the shell printed, where the server offers `DirectWebsocket`.
`QueuedDelivery` wakes a task that sends through ASGI.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from sshgateway.process.asgi_websocket import DirectWebsocket
from sshgateway.terminals.frames import Ended, ServerFrame, encode

# Yields the frames to send now (`Terminal.take_frames`).
TakeFrames = Callable[[], Iterator[ServerFrame]]


class Delivery(Protocol):
    """A `ClientSink` that sends what it is told of, once it runs."""

    def output_ready(self) -> None: ...
    def news_ready(self) -> None: ...
    async def run(self, take_frames: TakeFrames) -> Ended:
        """Send frames until the end; return the END frame that was sent."""


class DirectDelivery:
    """Delivery without a task. Make it on the event loop. `received` gets the client's messages while it runs."""

    def __init__(self, websocket: DirectWebsocket, received: Callable[[bytes], None]) -> None:
        self._websocket = websocket
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._take_frames: TakeFrames | None = None
        self._sending = self._news_scheduled = False
        self._ended: asyncio.Future[Ended] = self._loop.create_future()

    async def run(self, take_frames: TakeFrames) -> Ended:
        """Send frames until the end; return the END frame that was sent."""
        self._take_frames = take_frames
        self._websocket.listen(self._received, self.output_ready)
        try:
            self.output_ready()
            return await self._ended
        finally:
            self._take_frames = None
            self._websocket.release()

    def output_ready(self) -> None:
        """Send frames while there is room. Raises nothing: the shell and its other clients are served in this call."""
        # Already sending: the call under way finds what is new.
        if self._sending or self._take_frames is None or self._ended.done() or not self._websocket.has_room:
            return
        self._sending = True
        try:
            for frame in self._take_frames():
                has_room = self._websocket.send_now(encode(frame))
                if isinstance(frame, Ended):
                    self._ended.set_result(frame)
                    return
                if not has_room:
                    return
        except Exception as error:  # noqa: BLE001 - `run` raises it
            self._ended.set_exception(error)
        finally:
            self._sending = False

    def news_ready(self) -> None:
        """Send frames on the next turn of the loop, so that changes of one moment are sent once."""
        if not self._news_scheduled:
            self._news_scheduled = True
            self._loop.call_soon(self._send_news)

    def _send_news(self) -> None:
        self._news_scheduled = False
        self.output_ready()


class QueuedDelivery:
    """Delivery by a task that is woken, for servers that offer only ASGI."""

    def __init__(self, send: Callable[[ServerFrame], Awaitable[None]]) -> None:
        self._send = send
        self._woken = asyncio.Event()

    async def run(self, take_frames: TakeFrames) -> Ended:
        """Send frames until the end; return the END frame that was sent."""
        while True:
            self._woken.clear()
            for frame in take_frames():
                await self._send(frame)
                if isinstance(frame, Ended):
                    return frame
            await self._woken.wait()

    def output_ready(self) -> None:
        """Wake the task."""
        self._woken.set()

    def news_ready(self) -> None:
        """Wake the task."""
        self._woken.set()

"""Brings what a terminal has for one client to the client's socket, until the end.

Where the server offers it (`socket.Direct`), frames go out in the very call in which the shell printed; elsewhere a
task is woken and sends them through ASGI.
"""

import asyncio
from collections.abc import Awaitable, Callable

from sshgateway.process.asgi_websocket import Direct
from sshgateway.terminals.attachment import Attachment
from sshgateway.terminals.frames import Ended, ServerFrame, encode
from sshgateway.terminals.terminal import Terminal


class Directly:
    """Delivery without a task. Make it on the event loop; `send_due` when there is output, or room; else `wake`."""

    def __init__(self, terminal: Terminal, attachment: Attachment, line: Direct) -> None:
        self._terminal = terminal
        self._attachment = attachment
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._sending = self._woken = False
        self.over: asyncio.Future[Ended] = self._loop.create_future()

    def send_due(self) -> None:
        """Send as far as there is room. Raises nothing: a shell's line, and its other clients, call through here."""
        # Sending already: what is new is found by the call that is under way.
        if self._sending or self.over.done() or not self._line.has_room:
            return
        self._sending = True
        try:
            for frame in self._terminal.due(self._attachment):
                has_room = self._line.send_now(encode(frame))
                if isinstance(frame, Ended):
                    self.over.set_result(frame)
                    return
                if not has_room:
                    return
        except Exception as error:  # noqa: BLE001 - whoever waits for the end gets it
            self.over.set_exception(error)
        finally:
            self._sending = False

    def wake(self) -> None:
        """There is news beside the output. It is sent in a moment, so that much of it is said once."""
        if not self._woken:
            self._woken = True
            self._loop.call_soon(self._send_news)

    def _send_news(self) -> None:
        self._woken = False
        self.send_due()


async def deliver_directly(
    terminal: Terminal, attachment: Attachment, line: Direct, received: Callable[[bytes], None]
) -> Ended:
    """Send until the end, which is answered; `received` hears the client's messages meanwhile."""
    delivery = Directly(terminal, attachment, line)
    attachment.wake, attachment.send_due = delivery.wake, delivery.send_due
    line.listen(received, delivery.send_due)
    try:
        delivery.send_due()
        return await delivery.over
    finally:
        line.release()


async def deliver_by_turns(
    terminal: Terminal, attachment: Attachment, send: Callable[[ServerFrame], Awaitable[None]]
) -> Ended:
    """Send until the end, which is answered; for servers that offer nothing but ASGI."""
    woken = asyncio.Event()
    attachment.wake = attachment.send_due = woken.set
    while True:
        woken.clear()
        for frame in terminal.due(attachment):
            await send(frame)
            if isinstance(frame, Ended):
                return frame
        await woken.wait()

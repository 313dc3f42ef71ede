"""A channel that runs out of descriptors loses one request, never the connection."""

import asyncio
import os
import resource
import socket
from typing import Any

import pytest

from jobs.simulator.sandbox.fd_channel import FdChannel
from tests.waiting import LIMIT


def open_descriptors() -> int:
    """Return how many descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


async def send_three(one: socket.socket, messages: "asyncio.Queue[tuple[dict[str, Any], list[int]]]") -> Any:
    """Send a line with three descriptors and return what the channel makes of it."""
    pipe = os.pipe()
    socket.send_fds(one, [b'{"id": 1, "fds": 3}\n'], [pipe[0], pipe[1], pipe[0]])
    for descriptor in pipe:
        os.close(descriptor)
    return await asyncio.wait_for(messages.get(), LIMIT)


def test_descriptors_that_find_no_room_cost_one_request_only() -> None:
    async def run() -> None:
        one, other = socket.socketpair()
        messages: asyncio.Queue[tuple[dict[str, Any], list[int]]] = asyncio.Queue()
        ended: list[bool] = []
        channel = FdChannel(other, lambda *message: messages.put_nowait(message), lambda: ended.append(True))
        before, (soft, hard) = open_descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)
        pipe = os.pipe()
        socket.send_fds(one, [b'{"id": 1, "fds": 3}\n'], [pipe[0], pipe[1], pipe[0]])
        for descriptor in pipe:
            os.close(descriptor)
        filler: list[int] = []
        try:
            # Room for one of the three. Above the highest one in use, so that there is something to fill and to free.
            highest = max(map(int, os.listdir("/proc/self/fd")))
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2, hard))
            with pytest.raises(OSError, match="Too many open files"):
                while True:
                    filler.append(os.dup(0))
            os.close(filler.pop())
            line, descriptors = await asyncio.wait_for(messages.get(), LIMIT)
        finally:
            # Whatever happens: every later test of this process would find no descriptor.
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in filler:
                os.close(descriptor)
        assert "too many files" in line["error"]
        assert descriptors == []
        assert open_descriptors() == before, "the one that did arrive was closed"
        line, descriptors = await send_three(one, messages)
        assert "error" not in line
        assert len(descriptors) == 3
        assert ended == []
        for descriptor in descriptors:
            os.close(descriptor)
        channel.close()
        one.close()

    asyncio.run(run())

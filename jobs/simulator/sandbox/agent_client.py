"""Ask a node's agent to do things inside the node, as coroutines."""

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.simulator.sandbox.fd_channel import ChannelClosed, FdChannel

REPLY_SECONDS = 30
READ_SECONDS = 5
LONGEST_NOTICE, LONGEST_ERROR = 300, 500
NoticeHandler = Callable[[str], None]
Reply = tuple[dict[str, Any], list[int]]


class AgentError(Exception):
    """The node could not do what was asked; the text is the node's own."""


@dataclass
class Program:
    """A program that runs on a node.

    `descriptors` are its terminal, or its input, output and errors. `ended` becomes the exit status (negative: the
    signal that killed it) and whether it dumped core.
    """

    pid: int
    descriptors: list[int]
    ended: asyncio.Future[tuple[int, bool]] = field(repr=False)


class AgentClient:
    """One node's agent. Once it has ended, calls raise ChannelClosed and every program has ended with signal 9."""

    def __init__(
        self,
        control: socket.socket,
        on_notice: NoticeHandler,
        on_end: Callable[[], None],
        kill: Callable[[], None],
    ) -> None:
        """`on_notice` gets what the node reports by itself, a sentence at a time; `on_end` is called once.

        `kill` ends the node from outside, also when its agent listens to nothing.
        """
        self._kill = kill
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._requests: dict[int, asyncio.Future[Reply]] = {}
        self._programs: dict[int, Program] = {}
        self._on_notice, self._on_end = on_notice, on_end
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.filters_syscalls = False
        self._channel = FdChannel(control, self._message, self._closed)

    @property
    def alive(self) -> bool:
        """Whether the agent is still running."""
        return not self._channel.closed

    async def request(
        self, do: str, arguments: Mapping[str, Any] | None = None, seconds: float = REPLY_SECONDS
    ) -> Reply:
        """Return the agent's reply and the descriptors that came with it. Raises AgentError, ChannelClosed."""
        number = next(self._numbers)
        reply: asyncio.Future[Reply] = self._loop.create_future()
        self._requests[number] = reply
        try:
            self._channel.send({"id": number, "do": do, "with": dict(arguments or {})})
            message, descriptors = await asyncio.wait_for(reply, seconds)
        except TimeoutError:
            raise AgentError(f"the node did not answer within {seconds:g} s") from None
        finally:
            self._requests.pop(number, None)
        if "error" in message:
            raise AgentError(str(message["error"])[:LONGEST_ERROR])
        return message, descriptors

    async def spawn(
        self,
        program: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str,
        pty: Mapping[str, Any] | None,
    ) -> Program:
        """Start a program, on a terminal if `pty` is given, else on three pipes."""
        arguments = {"program": program, "argv": list(argv), "env": dict(env), "cwd": cwd, "pty": pty}
        message, descriptors = await self.request("spawn", arguments)
        if len(descriptors) != (1 if pty is not None else 3):
            self.cut_power()
            raise ChannelClosed
        # Made when the reply arrived, not here: a quick program may have ended by now.
        started: Program = message["program"]
        started.descriptors = descriptors
        return started

    async def signal(self, program: Program, name: str) -> None:
        """Signal a program's whole session."""
        await self.request("signal", {"pid": program.pid, "name": name})

    async def broadcast(self, text: str, seconds: float) -> None:
        """Write a text to every terminal of the node."""
        await self.request("broadcast", {"text": text}, seconds)

    async def connect(self, host: str, port: int) -> socket.socket:
        """Return a TCP connection made inside the node."""
        return await self._request_socket("connect", {"host": host, "port": port})

    async def connect_unix(self, path: str) -> socket.socket:
        """Return a unix connection made inside the node."""
        return await self._request_socket("connect_unix", {"path": path})

    async def listen(self, host: str, port: int) -> socket.socket:
        """Return a TCP listener inside the node, to accept on."""
        return await self._request_socket("listen", {"host": host, "port": port})

    async def listen_unix(self, path: str = "") -> tuple[socket.socket, str]:
        """Return a unix listener inside the node and its path there."""
        message, descriptors = await self.request("listen_unix", {"path": path})
        return _as_socket(descriptors), str(message["path"])

    async def read_file(self, path: str, limit: int, seconds: float = READ_SECONDS) -> str:
        """Return at most `limit` bytes of a regular file, opened inside the node; an empty text if there is none."""
        try:
            message, _ = await self.request("read_file", {"path": path, "limit": limit}, seconds)
        except AgentError:
            return ""
        return str(message.get("text", ""))

    def cut_power(self) -> None:
        """End everything on the node at once."""
        with contextlib.suppress(ChannelClosed):
            # Without a word, a closed channel means that the simulator was killed.
            self._channel.send({"do": "cut_power"})
            self._channel.close()
        self._kill()

    async def _request_socket(self, do: str, arguments: Mapping[str, Any]) -> socket.socket:
        _, descriptors = await self.request(do, arguments)
        return _as_socket(descriptors)

    def _message(self, message: dict[str, Any], descriptors: list[int]) -> None:
        if "ready" in message and not self.ready.done():
            self.filters_syscalls = bool(message.get("filtered"))
            self.ready.set_result(None)
        elif "notice" in message:
            text = str(message["notice"])[:LONGEST_NOTICE]
            self._on_notice("".join(character if character.isprintable() else "?" for character in text))
        elif "exited" in message:
            program = self._programs.pop(int(message["exited"]), None)
            if program is not None and not program.ended.done():
                program.ended.set_result((int(message["code"]), bool(message.get("core"))))
        elif self._reply(message, descriptors):
            return
        for descriptor in descriptors:
            os.close(descriptor)

    def _reply(self, message: dict[str, Any], descriptors: list[int]) -> bool:
        """Hand a reply to whoever waits for it; return whether somebody does."""
        reply = self._requests.get(message.get("id", 0))
        if reply is None or reply.done():
            return False
        if "pid" in message:
            pid = int(message["pid"])
            message["program"] = self._programs[pid] = Program(pid, [], self._loop.create_future())
        reply.set_result((message, descriptors))
        return True

    def _closed(self) -> None:
        for reply in self._requests.values():
            if not reply.done():
                reply.set_exception(ChannelClosed("the node is gone"))
        for program in self._programs.values():
            if not program.ended.done():
                program.ended.set_result((-9, False))
        self._programs.clear()
        if not self.ready.done():
            self.ready.set_exception(ChannelClosed("the node's sandbox did not start"))
            self.ready.exception()
        self._on_end()


def _as_socket(descriptors: list[int]) -> socket.socket:
    """Return the one descriptor that was sent, as a socket."""
    if not descriptors:
        raise AgentError("the node sent no socket")
    first, *rest = descriptors
    for descriptor in rest:
        os.close(descriptor)
    found = socket.socket(fileno=first)
    found.setblocking(False)
    return found

"""The simulator's side of an agent: what can be done inside one node, as coroutines."""

import asyncio
import itertools
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.simulator.sandbox.fd_channel import Gone, Wire

ANSWER_SECONDS = 30
LONGEST_NOTICE = 300
Hear = Callable[[str], None]


class Failed(Exception):
    """The node could not do what was asked; the text is its own."""


@dataclass
class Program:
    """A program that runs on the node: its descriptors (terminal, or input, output, errors) and how it ends."""

    pid: int
    descriptors: list[int]
    ended: asyncio.Future[tuple[int, bool]] = field(repr=False)


class AgentClient:
    """One node's agent. When it is gone every call raises `Gone` and every program has ended with signal 9."""

    def __init__(self, control: socket.socket, hear: Hear, on_end: Callable[[], None]) -> None:
        """`hear` gets what the node has to say by itself, a sentence at a time; `on_end` is called once."""
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[tuple[dict[str, Any], list[int]]]] = {}
        self._programs: dict[int, Program] = {}
        self._hear, self._on_end = hear, on_end
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self._wire = Wire(control, self._line, self._ended)

    @property
    def alive(self) -> bool:
        """Is the agent still there?"""
        return not self._wire.closed

    async def ask(
        self, do: str, words: Mapping[str, Any], seconds: float = ANSWER_SECONDS
    ) -> tuple[dict[str, Any], list[int]]:
        """Ask the agent and wait for its answer and the descriptors that came with it."""
        number = next(self._numbers)
        answer: asyncio.Future[tuple[dict[str, Any], list[int]]] = self._loop.create_future()
        self._asked[number] = answer
        try:
            self._wire.send({"id": number, "do": do, "with": dict(words)})
            line, descriptors = await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            raise Failed(f"the node did not answer within {seconds:g} s") from None
        finally:
            self._asked.pop(number, None)
        if "error" in line:
            raise Failed(str(line["error"])[:500])
        return line, descriptors

    async def spawn(
        self,
        program: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str,
        pty: Mapping[str, Any] | None,
    ) -> Program:
        """Start a program, on a terminal when `pty` is given, else on three pipes."""
        words = {"program": program, "argv": list(argv), "env": dict(env), "cwd": cwd, "pty": pty}
        line, descriptors = await self.ask("spawn", words)
        if len(descriptors) != (1 if pty is not None else 3):
            self.unplug()
            raise Gone
        # Made when the answer arrived, not here: a quick program has already ended by now.
        started: Program = line["program"]
        started.descriptors = descriptors
        return started

    async def signal(self, program: Program, name: str) -> None:
        """Signal a program's whole session."""
        await self.ask("signal", {"pid": program.pid, "name": name})

    async def dial(self, host: str, port: int) -> socket.socket:
        """A TCP connection made inside the node."""
        return await self._socket("dial", {"host": host, "port": port})

    async def dial_unix(self, path: str) -> socket.socket:
        """A unix connection made inside the node."""
        return await self._socket("dial_unix", {"path": path})

    async def listen(self, host: str, port: int) -> socket.socket:
        """A TCP listener inside the node, for us to accept on."""
        return await self._socket("listen", {"host": host, "port": port})

    async def listen_unix(self, path: str = "") -> tuple[socket.socket, str]:
        """A unix listener inside the node and its path there."""
        line, descriptors = await self.ask("listen_unix", {"path": path})
        return _as_socket(descriptors), str(line["path"])

    async def _socket(self, do: str, words: Mapping[str, Any]) -> socket.socket:
        _, descriptors = await self.ask(do, words)
        return _as_socket(descriptors)

    async def read(self, path: str, limit: int, seconds: float = 5) -> str:
        """The text of a regular file, opened inside the node; an empty text when there is none."""
        try:
            line, _ = await self.ask("read", {"path": path, "limit": limit}, seconds)
        except Failed:
            return ""
        return str(line.get("text", ""))

    def unplug(self) -> None:
        """Pull the plug: everything on the node dies now."""
        self._wire.close()

    def _line(self, line: dict[str, Any], descriptors: list[int]) -> None:
        if "ready" in line and not self.ready.done():
            self.ready.set_result(None)
        elif "notice" in line:
            text = str(line["notice"])[:LONGEST_NOTICE]
            self._hear("".join(character if character.isprintable() else "?" for character in text))
        elif "exited" in line:
            program = self._programs.pop(int(line["exited"]), None)
            if program is not None and not program.ended.done():
                program.ended.set_result((int(line["code"]), bool(line.get("core"))))
        else:
            answer = self._asked.get(line.get("id", 0))
            if answer is not None and not answer.done():
                if "pid" in line:
                    pid = int(line["pid"])
                    line["program"] = self._programs[pid] = Program(pid, [], self._loop.create_future())
                answer.set_result((line, descriptors))
                return
        for descriptor in descriptors:
            os.close(descriptor)

    def _ended(self) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(Gone("the node is gone"))
        for program in self._programs.values():
            if not program.ended.done():
                program.ended.set_result((-9, False))
        self._programs.clear()
        if not self.ready.done():
            self.ready.set_exception(Gone("the node's sandbox did not start"))
            self.ready.exception()
        self._on_end()


def _as_socket(descriptors: list[int]) -> socket.socket:
    """The one descriptor that was sent, as a socket."""
    if not descriptors:
        raise Failed("the node sent no socket")
    first, *rest = descriptors
    for descriptor in rest:
        os.close(descriptor)
    found = socket.socket(fileno=first)
    found.setblocking(False)
    return found

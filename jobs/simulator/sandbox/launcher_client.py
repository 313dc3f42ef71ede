"""Start a cluster's launcher process, and nodes in it; change running nodes."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jobs.simulator.sandbox import control_sockets
from jobs.simulator.sandbox.agent_client import AgentClient, NoticeHandler
from jobs.simulator.sandbox.fd_channel import ChannelClosed, FdChannel
from jobs.simulator.sandbox.launcher_process import LauncherProcess

START_SECONDS = 20
CHANGE_SECONDS = 10
TAKE_UP_SECONDS = 20
LOG_NAME = "launchers.log"
# Isolated from everything but the standard library and this project's own folder.
ROOT = str(Path(__file__).parents[3])
START = (
    f"import sys; sys.path.append({ROOT!r}); from jobs.simulator.node_runtime.launcher import main; main()"
)


class LauncherFailed(Exception):
    """A launcher could not do something; the text says what the system refused."""


class LauncherClient:
    """One cluster's launcher process. Its nodes end with it.

    `nodes`, `links_down` and `disks_full` say what was running when it was taken up from an earlier simulator.
    """

    def __init__(self, process: LauncherProcess, control: socket.socket) -> None:
        self.process = process
        self.has_network_per_node = False
        self.nodes: set[str] = set()
        self.links_down: set[str] = set()
        self.disks_full: set[str] = set()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changes: dict[str, asyncio.Future[str]] = {}
        self._channel = FdChannel(control, self._message, self._closed)

    @classmethod
    def start_process(cls, folder: Path, lifeline: int | None) -> "LauncherClient":
        """Start a launcher that waits for its plan: an interpreter's start is most of the time that it takes."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with open(folder / LOG_NAME, "ab") as output, theirs:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    "-c",
                    START,
                    str(theirs.fileno()),
                    str(-1 if lifeline is None else lifeline),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno(), *([] if lifeline is None else [lifeline])],
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
            )
        return cls(LauncherProcess.of_child(process), ours)

    @classmethod
    async def take_up(cls, process: LauncherProcess, folder: Path) -> "LauncherClient":
        """Return the launcher that an earlier simulator left. Raises LauncherFailed, and ends it then."""
        try:
            launcher = cls(process, control_sockets.connect(folder, control_sockets.LAUNCHER))
        except OSError as error:
            process.kill()
            raise LauncherFailed(str(error)) from None
        try:
            await asyncio.wait_for(launcher._ready, TAKE_UP_SECONDS)
        except (LauncherFailed, TimeoutError) as error:
            launcher.close()
            raise LauncherFailed(str(error) or "the launcher does not answer") from None
        return launcher

    async def follow_plan(self, plan: dict[str, Any], folder: Path) -> None:
        """Give the launcher its plan and wait until it is ready for nodes. Raises LauncherFailed.

        `folder` is where the next simulator will look for it.
        """
        try:
            with control_sockets.listen(folder, control_sockets.LAUNCHER) as listener:
                self._channel.send(plan, [listener.fileno()])
            await asyncio.wait_for(self._ready, START_SECONDS)
        except (LauncherFailed, ChannelClosed, TimeoutError, OSError) as error:
            self.close()
            raise LauncherFailed(str(error) or "the cluster's network could not be made") from None

    @property
    def alive(self) -> bool:
        """Whether the process is still running."""
        return self.process.is_running and not self._channel.closed

    def start_node(
        self,
        node: str,
        argv: list[str],
        address: str,
        folder: Path,
        group: Sequence[Path],
        on_notice: NoticeHandler,
        on_end: Callable[[], None],
    ) -> AgentClient:
        """Start a node and return its agent's client; `ready` of that tells when the node is up.

        The node's log, and the socket for the next simulator, are in `folder`. `group`: the files through which it
        enters its control group, opened here because only this process may.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.ExitStack() as opened:
            opened.enter_context(theirs)
            output = opened.enter_context(open(folder / f"{node}.log", "ab"))
            os.fchmod(output.fileno(), 0o600)
            listener = opened.enter_context(control_sockets.listen(folder, node))
            members = [opened.enter_context(open(path, "wb", buffering=0)) for path in group]
            descriptors = [theirs.fileno(), output.fileno(), listener.fileno()]
            descriptors += [member.fileno() for member in members]
            self._channel.send(
                {"node": node, "argv": argv, "address": address, "groups": len(members)}, descriptors
            )
        return AgentClient(ours, on_notice, on_end, lambda: self.kill_node(node))

    def take_up_node(
        self, node: str, folder: Path, on_notice: NoticeHandler, on_end: Callable[[], None]
    ) -> AgentClient:
        """Return the client of a node's agent that an earlier simulator started. Raises OSError."""
        control = control_sockets.connect(folder, node)
        return AgentClient(control, on_notice, on_end, lambda: self.kill_node(node))

    def kill_node(self, node: str) -> None:
        """End a node with everything on it, whether or not its agent listens."""
        with contextlib.suppress(ChannelClosed):
            self._channel.send({"kill": node})

    async def set_link(self, node: str, up: bool) -> None:
        """Take a running node's network link down, or bring it up. Raises LauncherFailed."""
        await self._change({"node": node, "link_up": up})

    async def change_disk(self, node: str, full: bool, home: str, size: int) -> None:
        """Fill a running node's disk, or leave `size` bytes in each temporary folder. Raises LauncherFailed."""
        await self._change({"node": node, "full": full, "home": home, "size": size})

    async def _change(self, request: dict[str, Any]) -> None:
        key = _request_key(request)
        error = self._changes.get(key)
        try:
            if error is None:
                error = self._changes[key] = asyncio.get_running_loop().create_future()
                self._channel.send(request)
            problem = await asyncio.wait_for(asyncio.shield(error), CHANGE_SECONDS)
        except (ChannelClosed, TimeoutError):
            raise LauncherFailed("the cluster's launcher does not answer") from None
        finally:
            self._changes.pop(key, None)
        if problem:
            raise LauncherFailed(problem)

    def _message(self, message: dict[str, Any], descriptors: list[int]) -> None:
        for descriptor in descriptors:
            os.close(descriptor)
        if "did" in message:
            error = self._changes.get(_request_key(message["did"]))
            if error is not None and not error.done():
                error.set_result(str(message["error"])[:300])
        elif not self._ready.done():
            if "ready" in message:
                self.has_network_per_node = bool(message["network_per_node"])
                self.nodes = set(map(str, message.get("nodes", ())))
                self.links_down = set(map(str, message.get("links_down", ())))
                self.disks_full = set(map(str, message.get("disks_full", ())))
                self._ready.set_result(None)
            elif "failed" in message:
                self._ready.set_exception(LauncherFailed(str(message["failed"])))

    def _closed(self) -> None:
        if not self._ready.done():
            self._ready.set_exception(LauncherFailed("the launcher's process ended"))
            self._ready.exception()
        for error in self._changes.values():
            if not error.done():
                error.set_result("the cluster's launcher has ended")

    def close(self) -> None:
        """End the launcher and every node in it, now."""
        self._channel.close()
        self.process.kill()


def _request_key(request: dict[str, Any]) -> str:
    """Return the same text for equal requests."""
    return json.dumps(request, sort_keys=True)

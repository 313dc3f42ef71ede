"""The simulator's side of a rack: start the process, start nodes in it, hear when they end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.simulator.sandbox.agent_client import AgentClient, Hear
from jobs.simulator.sandbox.fd_channel import Gone, Wire

START_SECONDS = 20
TELL_SECONDS = 10
# Isolated from everything but the standard library and this project's own folder.
ROOT = str(Path(__file__).parents[3])
START = (
    f"import sys; sys.path.append({ROOT!r}); from jobs.simulator.node_runtime.launcher import main; main()"
)


class RackFailed(Exception):
    """The cluster's rack could not be set up; the text says what the system refused."""


class Launcher:
    """One cluster's rack: lives until `close`, takes its nodes with it."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.process = process
        self.links = False
        self._ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._told: dict[str, asyncio.Future[str]] = {}
        self._wire = Wire(control, self._line, self._ended)

    @classmethod
    def launch(cls, folder: Path) -> "Launcher":
        """Start a rack that waits for its plan: an interpreter's start is most of the time a rack takes."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        log = folder / "racks.log"
        with open(log, "ab") as output, theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", START, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
            )
        return cls(process, ours)

    async def follow(self, plan: dict[str, Any]) -> None:
        """Give the rack its plan and wait until its namespaces stand."""
        try:
            self._wire.send(plan)
            await asyncio.wait_for(self._ready, START_SECONDS)
        except (RackFailed, Gone, TimeoutError) as error:
            self.close()
            raise RackFailed(str(error) or "the cluster's network could not be made") from None

    @property
    def alive(self) -> bool:
        """Does its process still run?"""
        return self.process.poll() is None and not self._wire.closed

    def boot(
        self, node: str, argv: list[str], address: str, log: Path, hear: Hear, on_exit: Callable[[], None]
    ) -> AgentClient:
        """Start a node; the answer is its agent's client, whose `ready` tells when it is up."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with open(log, "ab") as output, theirs:
            os.chmod(log, 0o600)
            self._wire.send(
                {"node": node, "argv": argv, "address": address}, [theirs.fileno(), output.fileno()]
            )
        return AgentClient(ours, hear, on_exit)

    async def plug(self, node: str, plugged: bool) -> None:
        """Pull a running node's cable, or plug it in. Raises RackFailed."""
        await self._tell({"node": node, "plugged": plugged})

    async def change_disk(self, node: str, full: bool, home: str, size: int) -> None:
        """Fill a running node's disk, or make room: `size` bytes in each temporary folder. Raises RackFailed."""
        await self._tell({"node": node, "full": full, "home": home, "size": size})

    async def _tell(self, request: dict[str, Any]) -> None:
        key = _key(request)
        told = self._told.get(key)
        try:
            if told is None:
                told = self._told[key] = asyncio.get_running_loop().create_future()
                self._wire.send(request)
            error = await asyncio.wait_for(asyncio.shield(told), TELL_SECONDS)
        except (Gone, TimeoutError):
            raise RackFailed("the cluster's rack does not answer") from None
        finally:
            self._told.pop(key, None)
        if error:
            raise RackFailed(error)

    def _line(self, line: dict[str, Any], descriptors: list[int]) -> None:
        for descriptor in descriptors:
            os.close(descriptor)
        if "did" in line:
            told = self._told.get(_key(line["did"]))
            if told is not None and not told.done():
                told.set_result(str(line["error"])[:300])
        elif not self._ready.done():
            if "ready" in line:
                self.links = bool(line["links"])
                self._ready.set_result(0)
            elif "failed" in line:
                self._ready.set_exception(RackFailed(str(line["failed"])))

    def _ended(self) -> None:
        if not self._ready.done():
            self._ready.set_exception(RackFailed("the rack's process ended"))
            self._ready.exception()
        for told in self._told.values():
            if not told.done():
                told.set_result("the cluster's rack has ended")

    def close(self) -> None:
        """End the rack and every node in it, now."""
        self._wire.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        # A killed process is gone in a moment; not waiting here would leave a zombie.
        self.process.wait()


class LauncherPool:
    """Keeps one rack warm, so that a new cluster need not wait for an interpreter."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._notes = folder, folder / "racks"
        self._warm: Launcher | None = None
        self._closed = False

    def sweep(self) -> None:
        """End racks of an earlier run that outlived it. The kernel ends them with the simulator; this is for a machine
        where it did not. A process number used again by someone else has another start time and is left alone."""
        try:
            lines = self._notes.read_text().split("\n")
        except FileNotFoundError:
            return
        for line in lines:
            pid, _, started = line.partition(" ")
            if pid.isdigit() and started and started == _started(int(pid)):
                os.kill(int(pid), signal.SIGKILL)
        self._notes.unlink()

    def _launch(self) -> Launcher:
        rack = Launcher.launch(self._folder)
        with open(self._notes, "a") as notes:
            notes.write(f"{rack.process.pid} {_started(rack.process.pid)}\n")
        return rack

    def warm_up(self) -> None:
        """Start the next rack, if none waits."""
        if self._warm is None and not self._closed:
            self._warm = self._launch()

    async def start(self, plan: dict[str, Any]) -> Launcher:
        """A rack that has done its plan."""
        rack, self._warm = self._warm, None
        if rack is None or not rack.alive:
            rack = self._launch()
        await rack.follow(plan)
        # Not at once: the cluster that is booting needs the processor more.
        asyncio.get_running_loop().call_later(1.0, self.warm_up)
        return rack

    def close(self) -> None:
        """End the one that waits, and start no more."""
        self._closed = True
        if self._warm is not None:
            self._warm.close()
            self._warm = None


def _key(request: dict[str, Any]) -> str:
    """What makes two requests the same one."""
    return json.dumps(request, sort_keys=True)


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; an empty text when there is none, or no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""

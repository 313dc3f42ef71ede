"""Supervise processes: start them, log their output, restart those that die, stop them together.

Knows nothing about Headnode; `processes` says which processes there are.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from portal.embedded.log import Log

FIRST_DELAY = 0.2
LONGEST_DELAY = 15.0
# A process that ran this long is healthy: its next restart is quick again.
HEALTHY_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Process:
    """A program to keep running."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    pass_fds: tuple[int, ...] = ()
    stop_seconds: float = 4.0  # between TERM and KILL
    before_start: Callable[[], None] = lambda: None
    pid: int | None = None
    starts: int = 0
    _delay: float = field(default=FIRST_DELAY, repr=False)

    def next_delay(self, ran_seconds: float) -> float:
        """Return the seconds to wait before the next start: twice the last delay, unless the process was healthy."""
        if ran_seconds >= HEALTHY_SECONDS:
            self._delay = FIRST_DELAY
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY)
        return delay


class Supervisor:
    """Supervises a set of processes. `pids.json` in `folder` always lists those that run."""

    def __init__(self, log: Log, folder: Path) -> None:
        self.log = log
        self.folder = folder
        self.processes: dict[str, Process] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._changed = asyncio.Condition()

    def start(self, process: Process) -> None:
        """Start a process and keep it running until `stop`."""
        self.processes[process.name] = process
        self._tasks[process.name] = asyncio.create_task(self._keep(process), name=process.name)

    async def run_once(self, process: Process, on_output: Callable[[str], None] | None = None) -> int:
        """Run a program to its end and return its exit status. `on_output` receives the lines of its stdout."""
        self.processes[process.name] = process
        try:
            return await self._run(process, on_output)
        finally:
            del self.processes[process.name]
            self._write_pids()

    async def stop(self, last: str = "") -> None:
        """Stop all processes at the same time, the one named `last` after the others. Nothing is restarted."""
        self._stopping.set()
        others = [name for name in self.processes if name != last]
        await asyncio.gather(*(self._end(name) for name in others))
        if last in self.processes:
            await self._end(last)
        (self.folder / "pids.json").unlink(missing_ok=True)

    async def change(self, name: str, environment: dict[str, str]) -> None:
        """Restart a process with another environment. Return when the old one has ended."""
        process = self.processes[name]
        process.environment = environment
        async with self._changed:
            # A start in progress may have used the old environment. Wait for it, then kill it.
            await self._changed.wait_for(lambda: process.pid is not None)
            pid = process.pid
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            await self._changed.wait_for(lambda: process.pid != pid)

    async def wait_for_starts(self, count: int) -> str:
        """Wait until a process has been started `count` times. Return its name."""
        async with self._changed:
            while True:
                for process in self.processes.values():
                    if process.starts >= count:
                        return process.name
                await self._changed.wait()

    async def _keep(self, process: Process) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self._run(process, None)
            if self._stopping.is_set():
                return
            delay = process.next_delay(time.monotonic() - began)
            self.log.line(
                "headnode", f"{process.name} {describe(status)}; starting it again in {delay:.1f} s"
            )
            await asyncio.sleep(delay)

    async def _run(self, process: Process, on_output: Callable[[str], None] | None) -> int:
        process.before_start()
        write = partial(self.log.line, process.name)
        # Not asyncio's pipes: with them `wait` would wait for every process that inherited one.
        out, out_end = os.pipe()
        err, err_end = os.pipe() if on_output else (None, out_end)
        try:
            child = await asyncio.create_subprocess_exec(
                *process.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out_end,
                stderr=err_end,
                env=process.environment,
                pass_fds=process.pass_fds,
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor, which stops the others
                preexec_fn=_die_with_parent(os.getpid()),
            )
        except OSError as error:
            self.log.line("headnode", f"{process.name} cannot be started: {error}")
            for end in (out, err):
                if end is not None:
                    os.close(end)
            return 127
        finally:
            for end in {out_end, err_end}:
                os.close(end)
        process.pid = child.pid
        process.starts += 1
        self._write_pids()
        await self._notify_changed()
        readers = [asyncio.create_task(_lines(out, on_output or write))]
        if err is not None:
            readers.append(asyncio.create_task(_lines(err, write)))
        try:
            status = await child.wait()
        finally:
            _kill_group(child.pid, signal.SIGKILL)  # its remaining children
            process.pid = None
            self._write_pids()
            await self._notify_changed()
            # A grandchild with its own session may keep the pipe open. Do not wait for it.
            await asyncio.wait(readers, timeout=1)
            for reader in readers:
                reader.cancel()
        return status

    async def _end(self, name: str) -> None:
        process = self.processes[name]
        task = self._tasks.get(name)
        if process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
        elif task:
            task.cancel()  # it is waiting for its next start
        if task is None:
            return
        _, pending = await asyncio.wait([task], timeout=process.stop_seconds)
        if pending:
            if process.pid is not None:
                _kill_group(process.pid, signal.SIGKILL)
            await asyncio.wait([task], timeout=3)

    async def _notify_changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _write_pids(self) -> None:
        pids = {"supervisor": os.getpid()}
        pids |= {process.name: process.pid for process in self.processes.values() if process.pid}
        fresh = self.folder / ".pids.json"
        fresh.write_text(json.dumps(pids), encoding="ascii")
        fresh.replace(self.folder / "pids.json")


def describe(status: int) -> str:
    """Return how a process ended, in words."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


async def _lines(pipe: int, write: Callable[[str], None]) -> None:
    """Call `write` with each line from the pipe. Lines longer than 64 kB are split."""
    stream = asyncio.StreamReader()
    with os.fdopen(pipe, "rb", buffering=0) as file:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), file
        )
        try:
            await _write_lines(stream, write)
        finally:
            transport.close()


async def _write_lines(stream: asyncio.StreamReader, write: Callable[[str], None]) -> None:
    rest = b""
    while chunk := await stream.read(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            write(line.decode("utf-8", "replace"))
        if len(rest) > 65536:
            write(rest.decode("utf-8", "replace"))
            rest = b""
    if rest:
        write(rest.decode("utf-8", "replace"))


def _kill_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _die_with_parent(parent: int) -> Callable[[], None]:
    """Return a function that has Linux kill the child when this process ends, however it ends."""

    def prepare() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent ended before that was set
            os._exit(1)

    return prepare

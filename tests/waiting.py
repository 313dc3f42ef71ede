"""Wait for an event, with a limit; never sleep for a guess. What does not end says where it hangs."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

# How long something that happens at once may take. Only a test that fails waits so long; one that passes under load
# is worth more than one that fails soon. `make mutants` sets less: most of its tests fail.
LIMIT = float(os.environ.get("TEST_LIMIT_SECONDS", "60"))

T = TypeVar("T")
Text = TypeVar("Text", str, bytes)


def wait_for(
    condition: Callable[[], T | Literal[False] | None], what: str, limit: float = LIMIT, every: float = 0.02
) -> T:
    """Ask `condition` until its answer is true and return that answer; fail with `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"Not within {limit:g} s: {what}")
        time.sleep(every)


def wait_for_end(process: "subprocess.Popen[Text]", what: str, limit: float = LIMIT) -> Text:
    """Return what a process still printed to its end; fail with `what` after `limit` seconds, and end it."""
    try:
        printed, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()  # left running, and its pipes open, it would fail a test that comes later
        printed, _ = process.communicate()
        raise AssertionError(f"Not within {limit:g} s: {what}. So far: {printed!r}") from None
    return printed


def run_to_end(
    command: Sequence[str], *, given: str = "", limit: float = 4 * LIMIT, **more: Any
) -> "subprocess.CompletedProcess[str]":
    """Run a program with pipes, and text on its standard input, to its end.

    One that has not ended after `limit` seconds is killed: the failure has what it said and what ran then.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, **more) as process:
        try:
            out, err = process.communicate(given, timeout=limit)
        except subprocess.TimeoutExpired:
            running = _holders(process)
            for pid in running:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(
                f"Not within {limit:g} s: {' '.join(command)}\nSaid: {out!r} {err!r}\nRan then:\n"
                + "\n".join(running.values())
            ) from None
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def _holders(process: "subprocess.Popen[str]") -> dict[int, str]:
    """Return the process, and all that keep its output open, each as a line that says what it does and waits for."""
    assert process.stdout is not None and process.stderr is not None
    pipes = {f"pipe:[{os.fstat(stream.fileno()).st_ino}]" for stream in (process.stdout, process.stderr)}
    found = {process.pid}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) in pipes and (pid := int(link.parts[2])) != os.getpid():
                found.add(pid)
    listed = ["ps", "-o", "pid=,ppid=,stat=,etime=,wchan:24=,args=", "-p", ",".join(map(str, found))]
    lines = subprocess.run(listed, capture_output=True, text=True).stdout.splitlines()
    return {int(line.split()[0]): line for line in lines}

"""The program on a head node, in memory: the verbs of `jobs/remote/program.py` without processes or files.

It shows the less comfortable of what the real one may show: a runner begins only after it was asked for the state once,
a command ends only after a stop was answered, and output comes in small parts. tests/contracts holds both to one suite.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

LOG = "process_output.log"
LARGEST_PART = 128
STOPPED_BY_SIGNAL = 128 + 15


@dataclass
class HeadNode:
    """What the program keeps on a head node."""

    began: int = 0  # how often a command was run: the promise is at most once
    is_prepared: bool = False
    has_runner: bool = False  # it was started, and has not begun its command yet
    is_running: bool = False
    exit_code: int | None = None
    stop_reason: str | None = None  # the first reason given to `stop`
    lines: list[str] = field(default_factory=list)
    command: str = ""
    files: dict[str, str] = field(default_factory=dict)
    ignores_stop: bool = False  # its command does not end when it is asked to
    shows_another_key: bool = False  # to every new connection

    @property
    def log(self) -> bytes:
        """The log of the command's output."""
        return "".join(f"{line}\n" for line in self.lines).encode()

    @property
    def work_files(self) -> dict[str, bytes]:
        """The regular files in the work directory, by path."""
        return {LOG: self.log} if self.began else {}

    @property
    def state_files(self) -> dict[str, bytes]:
        """The files that the program and the runner keep, as far as the portal reads them."""
        found = {"asked": b""}
        if self.began:
            found |= {"began": b"1", "alive": b""}
        if self.stop_reason is not None:
            found["stop"] = self.stop_reason.encode()
        if self.exit_code is not None:
            ended = {"exit_code": self.exit_code, "why": self.stop_reason or ""}
            found["ended.json"] = json.dumps(ended).encode()
        return found

    def lose_power(self) -> None:
        """End every process, as a reboot does; files stay."""
        self.has_runner = self.is_running = False

    def end_command(self, code: int) -> None:
        """Let the running command end."""
        self.lines.append(f"Exited with code {code}")
        self.is_running, self.exit_code = False, code

    def time_passes(self) -> None:
        """Let the runner do what it does between two calls."""
        if self.has_runner and not self.began:
            self.began += 1
            self.has_runner, self.is_running = False, True
            self.lines.append("Launching it.  Process output follows:")
        elif self.is_running and self.stop_reason is not None and not self.ignores_stop:
            self.end_command(STOPPED_BY_SIGNAL)


class ProgramOnTheNode:
    """Answers a request as `program.py` does. The caller parses the answer with `jobs.remote.command_runner`."""

    def __init__(self, head: HeadNode) -> None:
        self.head = head

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request, as its JSON was sent, and return what is written to standard output."""
        verbs = {
            "prepare": self._prepare,
            "unpack": self._unpack,
            "start": self._start,
            "status": self._status,
            "stop": self._stop,
            "listing": self._listing,
        }
        answer = verbs[request["verb"]](request)
        if request["verb"] != "start":
            self.head.time_passes()
        return answer

    def _prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        self.head.is_prepared = True
        if not self.head.began:
            self.head.files.update(request["files"])
        return {"state": "prepared"}

    def _unpack(self, request: dict[str, Any]) -> dict[str, Any]:
        """No file is ever staged here, so no archive can be read."""
        return {
            "state": "unpacked",
            "refused": [[at, "is broken"] for at in range(len(request["names"]))],
            "more": False,
        }

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        head = self.head
        head.is_prepared = True
        if head.began or head.has_runner:
            return {"state": "known"}
        head.command, head.has_runner = request["steps"][0]["command"], True
        return {"state": "started"}

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self.head.is_prepared:
            return {"state": "none"}
        answer = self._command_state()
        return answer | self._tail(int(request.get("offset", 0)), answer["state"] != "running")

    def _command_state(self) -> dict[str, Any]:
        head = self.head
        if head.exit_code is not None:
            return {
                "state": "ended",
                "exit_code": head.exit_code,
                "why": head.stop_reason or "",
                "codes": [[0, head.exit_code]],
            }
        if head.is_running:
            return {"state": "running"}
        return {"state": "lost" if head.began else "none"}

    def _tail(self, offset: int, is_over: bool) -> dict[str, Any]:
        if not self.head.began:
            return {"log": "", "offset": offset, "size": 0}
        log = self.head.log
        offset = min(offset, len(log))
        data = log[offset : offset + LARGEST_PART]
        end = data.rfind(b"\n") + 1
        if end == 0 and (len(data) == LARGEST_PART or is_over):
            end = len(data)
        return {"log": base64.b64encode(data[:end]).decode(), "offset": offset + end, "size": len(log)}

    def _stop(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self.head.is_prepared:
            return {"state": "none"}
        if self.head.stop_reason is None:
            self.head.stop_reason = request.get("why", "stopped")
        return self._status(request)

    def _listing(self, request: dict[str, Any]) -> dict[str, Any]:
        files = [[path, len(data), 1_700_000_000] for path, data in self.head.work_files.items()]
        limit = int(request["limit"])
        return {"state": "listed", "files": files[:limit], "left": [], "more": len(files) >= limit}

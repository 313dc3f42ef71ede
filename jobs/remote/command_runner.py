"""Call `program.py` on a head node: one SSH exec with one request and one answer."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sshgateway.ssh.transport import Connection

PROGRAM_SOURCE = Path(__file__).with_name("program.py").read_text()
# A constant: no user input is ever part of it. The request is sent on standard input.
PROGRAM_COMMAND = (
    'python3 -c "import sys,json;request=json.load(sys.stdin);'
    "exec(compile(request['source'],'headnode','exec'),{'__name__':'headnode','request':request})\""
)
TIMEOUT_SECONDS = 30.0
UNPACK_SECONDS = 600.0
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class RemoteFailed(Exception):
    """The program on the node failed or sent a malformed answer. `stderr` is the end of its error output."""

    def __init__(self, exit_status: int | None, stderr: bytes) -> None:
        self.stderr = stderr.decode("utf-8", "replace")[-2000:]
        super().__init__(f"exit status {exit_status}: {self.stderr}")


class CommandState(StrEnum):
    """The state of the command on the node."""

    NONE = "none"  # never started
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"  # its runner was killed


@dataclass(frozen=True)
class RemoteFile:
    """A regular file in the work directory: path below it, size in bytes, time in seconds since 1970."""

    path: str
    size: int
    modified: int


@dataclass(frozen=True)
class Listing:
    """The work directory. `skipped` has (path, reason) of what is not a regular file or has an unusable name.

    `more` is True when the limit cut the listing short.
    """

    files: list[RemoteFile]
    skipped: list[tuple[str, str]]
    more: bool


@dataclass(frozen=True)
class CommandStatus:
    """The state of the command, and the next part of its output.

    `lines` are the next lines of the log, `offset` is the byte offset after them, `size` the size of the whole log in
    bytes. `why` is the reason given to `stop`.
    """

    state: CommandState
    exit_code: int | None
    why: str
    lines: list[str]
    offset: int
    size: int

    @property
    def has_more(self) -> bool:
        return self.offset < self.size


def prepare(connection: Connection, files: Mapping[str, str]) -> None:
    """Create the work directories and write `files` in the home directory. Names must be fixed, never user input."""
    _call(connection, {"verb": "prepare", "files": dict(files)})


def unpack(connection: Connection, names: Sequence[str]) -> list[str]:
    """Unpack the archives among these files of the shared work directory, each once. Return the broken ones."""
    archives = [name for name in names if name.lower().endswith(ARCHIVES)]
    if not archives:
        return []
    answer = _call(connection, {"verb": "unpack", "names": archives}, timeout=UNPACK_SECONDS)
    bad = answer.get("bad")
    return [name for name in archives if name in bad] if isinstance(bad, list) else []


def start(connection: Connection, command: str, env: Mapping[str, str]) -> None:
    """Start the command unless it was started before."""
    _call(connection, {"verb": "start", "command": command, "env": dict(env)})


def status(connection: Connection, offset: int) -> CommandStatus:
    """Return the command's state, with its output from byte `offset` on."""
    return _status(_call(connection, {"verb": "status", "offset": offset}))


def stop(connection: Connection, why: str, offset: int) -> CommandStatus:
    """Ask the command to end (TERM, later KILL) and return its state. Idempotent; the first `why` counts."""
    return _status(_call(connection, {"verb": "stop", "why": why, "offset": offset}))


def listing(connection: Connection, limit: int) -> Listing:
    """List the work directory, at most `limit` entries."""
    answer = _call(connection, {"verb": "listing", "limit": limit}, timeout=UNPACK_SECONDS)
    files = [_remote_file(row) for row in _rows(answer.get("files"), 3)]
    skipped = [(str(path)[:500], str(why)[:200]) for path, why in _rows(answer.get("left"), 2)]
    return Listing([file for file in files if file is not None], skipped, answer.get("more") is True)


def _rows(value: object, width: int) -> list[list[Any]]:
    rows = value if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, list) and len(row) == width]


def _remote_file(row: list[Any]) -> RemoteFile | None:
    path, size, modified = row
    if not isinstance(path, str) or not isinstance(size, int) or not isinstance(modified, int) or size < 0:
        return None
    return RemoteFile(path, size, min(max(modified, 0), 2**32))


def _status(answer: dict[str, Any]) -> CommandStatus:
    """Parse a status defensively: the user may have written the files that the program reads."""
    log = answer.get("log")
    try:
        text = base64.b64decode(log if isinstance(log, str) else "").decode("utf-8", "replace")
    except ValueError:
        text = ""
    code, why = answer.get("exit_code"), answer.get("why")
    return CommandStatus(
        state=CommandState(answer["state"]) if answer["state"] in list(CommandState) else CommandState.LOST,
        exit_code=code if isinstance(code, int) and abs(code) < 1024 else None,
        why=why[:200] if isinstance(why, str) else "",
        lines=text.split("\n")[:-1] if text.endswith("\n") else ([text] if text else []),
        offset=_non_negative(answer.get("offset")),
        size=_non_negative(answer.get("size")),
    )


def _non_negative(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**62 else 0


def _call(
    connection: Connection, request: dict[str, Any], timeout: float = TIMEOUT_SECONDS
) -> dict[str, Any]:
    body = json.dumps({**request, "source": PROGRAM_SOURCE}).encode()
    result = connection.run(PROGRAM_COMMAND, stdin=body, timeout=timeout)
    try:
        if result.exit_status != 0:
            raise ValueError
        answer = json.loads(result.stdout)
        if not isinstance(answer, dict) or "state" not in answer:
            raise ValueError
    except ValueError as error:
        raise RemoteFailed(result.exit_status, result.stderr) from error
    return answer

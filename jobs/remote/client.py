"""Calls `program.py` on a head node: one SSH exec, one request, one answer."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sshgateway.ssh.transport import Connection

SOURCE = Path(__file__).with_name("program.py").read_text()
# A constant line: nothing of anybody's is ever part of it. The request comes on standard input.
COMMAND = (
    'python3 -c "import sys,json;request=json.load(sys.stdin);'
    "exec(compile(request['source'],'headnode','exec'),{'__name__':'headnode','request':request})\""
)
TIMEOUT_SECONDS = 30.0
UNPACK_SECONDS = 600.0
STATES = ("none", "running", "ended", "lost")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class RemoteFailed(Exception):
    """The program on the node did not answer as it should. `stderr` is what it said instead."""

    def __init__(self, exit_status: int | None, stderr: bytes) -> None:
        self.stderr = stderr.decode("utf-8", "replace")[-2000:]
        super().__init__(f"exit status {exit_status}: {self.stderr}")


@dataclass(frozen=True)
class RemoteFile:
    """A regular file below the work directory: its path there, bytes, and seconds since 1970."""

    path: str
    size: int
    modified: int


@dataclass(frozen=True)
class Listing:
    """What lies in the work directory; `left` tells what is no regular file or cannot be named (path, why)."""

    files: list[RemoteFile]
    left: list[tuple[str, str]]
    more: bool


@dataclass(frozen=True)
class CommandStatus:
    """How the command does: `none` (never began), `running`, `ended` or `lost` (its runner was killed).

    `lines` is the next piece of its output, `offset` the place behind it, `size` the whole log's size in bytes.
    """

    state: str
    exit_code: int | None
    why: str
    lines: list[str]
    offset: int
    size: int

    @property
    def has_more(self) -> bool:
        return self.offset < self.size


def prepare(connection: Connection, files: Mapping[str, str]) -> None:
    """Make the work directories, and write `files` under the home (fixed names only)."""
    _call(connection, {"verb": "prepare", "files": dict(files)})


def unpack(connection: Connection, names: Sequence[str]) -> list[str]:
    """Unpack those of these files in the shared work directory that are archives, once each.

    Answers the names of those that are broken.
    """
    archives = [name for name in names if name.lower().endswith(ARCHIVES)]
    if not archives:
        return []
    answer = _call(connection, {"verb": "unpack", "names": archives}, timeout=UNPACK_SECONDS)
    bad = answer.get("bad")
    return [name for name in archives if name in bad] if isinstance(bad, list) else []


def start(connection: Connection, command: str, env: Mapping[str, str]) -> None:
    """Make sure the command was started."""
    _call(connection, {"verb": "start", "command": command, "env": dict(env)})


def status(connection: Connection, offset: int) -> CommandStatus:
    """How the command does, with its output from `offset` on."""
    return _status(_call(connection, {"verb": "status", "offset": offset}))


def stop(connection: Connection, why: str, offset: int) -> CommandStatus:
    """Ask the command to end (TERM, later KILL) and see how it does. Idempotent; the first `why` counts."""
    return _status(_call(connection, {"verb": "stop", "why": why, "offset": offset}))


def listing(connection: Connection, limit: int) -> Listing:
    """What lies in the work directory, `limit` entries at most."""
    answer = _call(connection, {"verb": "listing", "limit": limit}, timeout=UNPACK_SECONDS)
    files = [_file(row) for row in _rows(answer.get("files"), 3)]
    left = [(str(path)[:500], str(why)[:200]) for path, why in _rows(answer.get("left"), 2)]
    return Listing([file for file in files if file is not None], left, answer.get("more") is True)


def _rows(value: object, width: int) -> list[list[Any]]:
    rows = value if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, list) and len(row) == width]


def _file(row: list[Any]) -> RemoteFile | None:
    path, size, modified = row
    if not isinstance(path, str) or not isinstance(size, int) or not isinstance(modified, int) or size < 0:
        return None
    return RemoteFile(path, size, min(max(modified, 0), 2**32))


def _status(answer: dict[str, Any]) -> CommandStatus:
    """What the node says, as far as it can be true: its user may have written the files it reads."""
    log = answer.get("log")
    try:
        text = base64.b64decode(log if isinstance(log, str) else "").decode("utf-8", "replace")
    except ValueError:
        text = ""
    code, why = answer.get("exit_code"), answer.get("why")
    return CommandStatus(
        state=answer["state"] if answer["state"] in STATES else "lost",
        exit_code=code if isinstance(code, int) and abs(code) < 1024 else None,
        why=why[:200] if isinstance(why, str) else "",
        lines=text.split("\n")[:-1] if text.endswith("\n") else ([text] if text else []),
        offset=_count(answer.get("offset")),
        size=_count(answer.get("size")),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**62 else 0


def _call(
    connection: Connection, request: dict[str, Any], timeout: float = TIMEOUT_SECONDS
) -> dict[str, Any]:
    body = json.dumps({**request, "source": SOURCE}).encode()
    result = connection.run(COMMAND, stdin=body, timeout=timeout)
    try:
        if result.exit_status != 0:
            raise ValueError
        answer = json.loads(result.stdout)
        if not isinstance(answer, dict) or "state" not in answer:
            raise ValueError
    except ValueError as error:
        raise RemoteFailed(result.exit_status, result.stderr) from error
    return answer

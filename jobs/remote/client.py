"""Calls `program.py` on a head node: one SSH exec, one request, one answer."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sshgateway.transport import Connection

SOURCE = Path(__file__).with_name("program.py").read_text()
# A constant line: nothing of anybody's is ever part of it. The request comes on standard input.
COMMAND = (
    'python3 -c "import sys,json;request=json.load(sys.stdin);'
    "exec(compile(request['source'],'headnode','exec'),{'__name__':'headnode','request':request})\""
)
TIMEOUT_SECONDS = 30.0
UNPACK_SECONDS = 600.0
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class RemoteFailed(Exception):
    """The program on the node did not answer as it should. `stderr` is what it said instead."""

    def __init__(self, exit_status: int | None, stderr: bytes) -> None:
        self.stderr = stderr.decode("utf-8", "replace")[-2000:]
        super().__init__(f"exit status {exit_status}: {self.stderr}")


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


def unpack(connection: Connection, names: Sequence[str]) -> None:
    """Unpack those of these files in the shared work directory that are archives, once each."""
    if archives := [name for name in names if name.lower().endswith(ARCHIVES)]:
        _call(connection, {"verb": "unpack", "names": archives}, timeout=UNPACK_SECONDS)


def start(connection: Connection, command: str, env: Mapping[str, str]) -> None:
    """Make sure the command was started."""
    _call(connection, {"verb": "start", "command": command, "env": dict(env)})


def status(connection: Connection, offset: int) -> CommandStatus:
    """How the command does, with its output from `offset` on."""
    return _status(_call(connection, {"verb": "status", "offset": offset}))


def stop(connection: Connection, why: str, offset: int) -> CommandStatus:
    """Ask the command to end (TERM, later KILL) and see how it does. Idempotent; the first `why` counts."""
    return _status(_call(connection, {"verb": "stop", "why": why, "offset": offset}))


def _status(answer: dict[str, Any]) -> CommandStatus:
    text = base64.b64decode(answer.get("log", "")).decode("utf-8", "replace")
    return CommandStatus(
        state=answer["state"],
        exit_code=answer.get("exit_code"),
        why=answer.get("why", ""),
        lines=text.split("\n")[:-1] if text.endswith("\n") else ([text] if text else []),
        offset=answer.get("offset", 0),
        size=answer.get("size", 0),
    )


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

"""Calls `program.py` on a head node: one SSH exec, one request, one answer."""

import base64
import json
from collections.abc import Mapping
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


def start(connection: Connection, command: str, env: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Make sure the command was started. `files` are written under the home first (fixed names only)."""
    _call(connection, {"verb": "start", "command": command, "env": dict(env), "files": dict(files)})


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


def _call(connection: Connection, request: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps({**request, "source": SOURCE}).encode()
    result = connection.run(COMMAND, stdin=body, timeout=TIMEOUT_SECONDS)
    try:
        if result.exit_status != 0:
            raise ValueError
        answer = json.loads(result.stdout)
        if not isinstance(answer, dict) or "state" not in answer:
            raise ValueError
    except ValueError as error:
        raise RemoteFailed(result.exit_status, result.stderr) from error
    return answer

"""Call `program.py` and `unpacker.py` on a head node: one SSH exec with one request and one answer."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from jobs.remote.answer import MAX_ANSWER_BYTES, new_marker, parse_answer
from jobs.remote.archive_limits import ArchiveLimits
from sshgateway.ssh.transport import Connection

PROGRAM_SOURCE = Path(__file__).with_name("program.py").read_text()
UNPACKER_SOURCE = Path(__file__).with_name("unpacker.py").read_text()
# Constants: no user input is ever part of them. The request is sent on standard input.
# sys.stdout is written to before and after the program, so that the program needs to know nothing of markers.
_BOOTSTRAP = (
    'import sys,json;request=json.load(sys.stdin);sys.stdout.write(request["marker"]);'
    'exec(compile(request["source"],"headnode","exec"),{"__name__":"headnode","request":request});'
    'sys.stdout.write(request["marker"]);sys.stdout.flush()'
)
# The system's own Python, without its user's settings (-I) and packages (-S). The program restores the PATH that the
# login had for the job's command.
_PYTHON = (
    'HEADNODE_LOGIN_PATH="$PATH" PATH=/usr/bin:/bin:/usr/local/bin:/opt/local/bin '
    f"python3 -I -S -c '{_BOOTSTRAP}'"
)
# What the login shell is, is the machine's: these words mean the same to bash, dash, zsh, csh and fish. A restricted
# shell refuses `exec` and paths, and takes what comes after `||`.
PROGRAM_COMMAND = f"exec /usr/bin/env {_PYTHON} || env {_PYTHON}"
# Seconds that a node may take for each kind of call. Start-up files of slow accounts take some.
START_SECONDS = 20.0
TIMEOUT_SECONDS = 7.0
# Longer than an archive may take that is begun just in time (ArchiveLimits).
UNPACK_SECONDS = 660.0
LISTING_SECONDS = 8.0
# Beyond this, nothing is a status.
MAX_STEPS = 100
SMALL_ANSWER_BYTES = 1024 * 1024
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class CommandState(StrEnum):
    """The state of the command on the node."""

    NONE = "none"  # never started
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"  # its runner was killed


class StepKind(StrEnum):
    """What a step of an analysis is."""

    BEFORE = "before"  # pre-processing
    COMMAND = "command"
    AFTER = "after"  # post-processing: runs whenever the command ran, whatever came of it


@dataclass(frozen=True)
class Step:
    """One command of an analysis (by position). The script `before` runs first, in the same shell."""

    analysis: int
    kind: StepKind
    command: str
    before: str
    env: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return what the program reads."""
        return {
            "analysis": self.analysis,
            "kind": self.kind.value,
            "command": self.command,
            "before": self.before,
            "env": dict(self.env),
        }


@dataclass(frozen=True)
class RemoteFile:
    """A regular file in the work directory: path below it, size in bytes, time in seconds since 1970.

    `target` is set for a link to such a file: where that is. Size and time are the file's then.
    """

    path: bytes
    size: int
    modified: int
    target: bytes | None = None


@dataclass(frozen=True)
class Listing:
    """The work directory. `skipped` has (path, reason) of what is neither a regular file nor a link to one.

    `more` is True when the limit cut the listing short.
    """

    files: list[RemoteFile]
    skipped: list[tuple[bytes, str]]
    more: bool


@dataclass(frozen=True)
class CommandStatus:
    """The state of the command, and the next part of its output.

    `lines` are the next lines of the log, `offset` is the byte offset after them, `size` the size of the whole log in
    bytes. `why` is the reason given to `stop`. `analysis_codes` has the exit code of each analysis that ran.
    """

    state: CommandState
    exit_code: int | None
    why: str
    lines: list[str]
    offset: int
    size: int
    analysis_codes: Mapping[int, int] = field(default_factory=dict)

    @property
    def has_more(self) -> bool:
        return self.offset < self.size


def prepare(connection: Connection, files: Mapping[str, str]) -> None:
    """Create the work directories and write `files` in the home directory. Names must be fixed, never user input."""
    call(connection, {"verb": "prepare", "files": dict(files)}, START_SECONDS)


def unpack(connection: Connection, names: Sequence[str], limits: ArchiveLimits) -> dict[str, str]:
    """Unpack the archives among these files of the shared work directory, each once and as a whole.

    A name is text as `os.fsdecode` returns it. Return why some were not unpacked, by name: the text continues a
    sentence that begins with the name. What is beyond the limits is refused, and nothing of it stays.
    """
    archives = [name for name in names if name.lower().endswith(ARCHIVES)]
    request = {"verb": "unpack", "names": archives, "limits": limits.as_json()}
    refused: dict[str, str] = {}
    # Each request unpacks one archive at least.
    for _ in archives:
        answer = call(connection, request, timeout=UNPACK_SECONDS, source=UNPACKER_SOURCE)
        refused = _reasons(answer.get("refused"), archives)
        if answer.get("more") is not True:
            break
    return refused


def _reasons(value: object, names: Sequence[str]) -> dict[str, str]:
    rows = _rows(value, 2)
    texts = {names[at]: str(why)[:200] for at, why in rows if isinstance(at, int) and 0 <= at < len(names)}
    return {name: "".join(filter(str.isprintable, text)) for name, text in texts.items()}


def start(connection: Connection, steps: Sequence[Step]) -> None:
    """Start the steps, one after the other, unless they were started before."""
    call(connection, {"verb": "start", "steps": [step.as_json() for step in steps]}, START_SECONDS)


def status(connection: Connection, offset: int) -> CommandStatus:
    """Return the command's state, with its output from byte `offset` on."""
    return status_of_answer(call(connection, {"verb": "status", "offset": offset}))


def stop(connection: Connection, why: str, offset: int) -> CommandStatus:
    """Ask the command to end (TERM, later KILL) and return its state. Idempotent; the first `why` counts."""
    return status_of_answer(call(connection, {"verb": "stop", "why": why, "offset": offset}))


def listing(connection: Connection, limit: int) -> Listing:
    """List the work directory, at most `limit` entries."""
    answer = call(
        connection, {"verb": "listing", "limit": limit}, LISTING_SECONDS, output_limit=MAX_ANSWER_BYTES
    )
    return listing_of_answer(answer)


def listing_of_answer(answer: dict[str, Any]) -> Listing:
    """Parse a listing defensively."""
    files = [_remote_file(row) for row in _rows(answer.get("files"), 3, 4)]
    skipped = [(_path(path) or b"?", str(why)[:200]) for path, why in _rows(answer.get("left"), 2)]
    return Listing([file for file in files if file is not None], skipped, answer.get("more") is True)


def _rows(value: object, *widths: int) -> list[list[Any]]:
    rows = value if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, list) and len(row) in widths]


def _remote_file(row: list[Any]) -> RemoteFile | None:
    path, size, modified = _path(row[0]), row[1], row[2]
    target = _path(row[3]) if len(row) == 4 else b""
    if not path or not isinstance(size, int) or not isinstance(modified, int) or size < 0 or target is None:
        return None
    return RemoteFile(path, size, min(max(modified, 0), 2**32), target or None)


def _path(value: object) -> bytes | None:
    """Return the bytes of a path: text, or an object with its bytes in base64."""
    if isinstance(value, dict):
        try:
            return base64.b64decode(str(value.get("bytes")), validate=True)
        except ValueError:
            return None
    return value.encode() if isinstance(value, str) else None


def status_of_answer(answer: dict[str, Any]) -> CommandStatus:
    """Parse a status defensively: the user may have written the files that the program reads."""
    log = answer.get("log")
    try:
        data = base64.b64decode(log if isinstance(log, str) else "")
    except ValueError:
        data = b""
    code, why = answer.get("exit_code"), answer.get("why")
    return CommandStatus(
        state=CommandState(answer["state"]) if answer["state"] in list(CommandState) else CommandState.LOST,
        exit_code=code if isinstance(code, int) and abs(code) < 1024 else None,
        why=why[:200] if isinstance(why, str) else "",
        lines=lines_of(data),
        offset=_non_negative(answer.get("offset")),
        size=_non_negative(answer.get("size")),
        analysis_codes=_analysis_codes(answer.get("codes")),
    )


def _analysis_codes(value: object) -> dict[int, int]:
    """Return the exit code of each analysis by position: that of its first step that failed, else 0."""
    codes: dict[int, int] = {}
    for row in _rows(value, 2)[:MAX_STEPS]:
        position, code = row
        if (
            isinstance(position, int)
            and isinstance(code, int)
            and 0 <= position < MAX_STEPS
            and abs(code) < 1024
        ):
            codes[position] = codes.get(position, 0) or code
    return codes


def lines_of(data: bytes) -> list[str]:
    """Return the lines of a part of the log; the last one may have no end."""
    text = data.decode("utf-8", "replace")
    return text.split("\n")[:-1] if text.endswith("\n") else ([text] if text else [])


def _non_negative(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**62 else 0


def call(
    connection: Connection,
    request: dict[str, Any],
    timeout: float | None = None,
    source: str = PROGRAM_SOURCE,
    output_limit: int = SMALL_ANSWER_BYTES,
) -> dict[str, Any]:
    """Run a program on the node. Raises RemoteFailed, and SSHError: also for too much output or none in time."""
    marker = new_marker()
    body = json.dumps({**request, "source": source, "marker": marker}).encode()
    seconds = TIMEOUT_SECONDS if timeout is None else timeout
    result = connection.run(PROGRAM_COMMAND, stdin=body, timeout=seconds, output_limit=output_limit)
    return parse_answer(result.stdout, marker, result.exit_status, result.stderr)

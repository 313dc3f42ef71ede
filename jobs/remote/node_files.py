"""Follow and stop the command, and list its files, over SFTP alone: for a node on which `program.py` does not answer.

The runner of the command goes on whatever happens to Python or to the account's start-up files later, and its files
say what the program would have said. Only whether a runner that has not ended still lives cannot be read from them: it
touches the file `alive` every few seconds, and the time of that is compared with that of a file written now, so that
only the node's clock counts.
"""

import contextlib
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.remote.answer import RemoteFailed, parse_object
from jobs.remote.command_runner import (
    CommandState,
    CommandStatus,
    Listing,
    RemoteFile,
    lines_of,
    status_of_answer,
)
from jobs.remote.time_limit import limited
from sshgateway.ssh.transport import SFTP, Connection, SSHError

STATUS_SECONDS = 4.0
LISTING_SECONDS = 8.0
# A runner that has not touched its file for this long is gone. It does every 5 s, also while it waits for disk space.
ALIVE_SECONDS = 60
STATE_DIRECTORY = ".headnode"
LOG = "work/process_output.log"
CHUNK = 64 * 1024
SMALL_FILE = 4096


@contextmanager
def _files(connection: Connection, seconds: float, what: str) -> Iterator[SFTP]:
    """Yield an SFTP client for so long. Raises SSHError, RemoteFailed."""
    try:
        with limited(connection, seconds, what), connection.sftp(seconds) as sftp:
            yield sftp
    except (SSHError, RemoteFailed):
        raise
    except Exception as error:  # the client meets bytes that the node chose: it may raise anything
        raise RemoteFailed(None, b"", f"{what} failed: {error or type(error).__name__}") from error


def status(connection: Connection, offset: int) -> CommandStatus:
    """Return the command's state and the next part of its output, as `command_runner.status` does."""
    with _files(connection, STATUS_SECONDS, "Reading the command's state") as sftp:
        return _status(sftp, offset)


def stop(connection: Connection, why: str, offset: int) -> CommandStatus:
    """Ask the runner to end the command, and return its state. Idempotent; the first `why` counts."""
    with _files(connection, STATUS_SECONDS, "Asking the command to end") as sftp:
        if _read(sftp, "stop") is None and _exists(sftp, STATE_DIRECTORY):
            _write(sftp, "stop", why.encode())
        return _status(sftp, offset)


def listing(connection: Connection, work_directory: str, limit: int) -> Listing:
    """List the work directory, at most `limit` entries, as `command_runner.listing` does."""
    with _files(connection, LISTING_SECONDS, "Listing the files") as sftp:
        return _listing(sftp, work_directory.encode(), limit)


def _status(sftp: SFTP, offset: int) -> CommandStatus:
    state, ended = _state(sftp)
    if state == CommandState.NONE:
        return status_of_answer({"state": state})
    lines, read_to, size = _tail(sftp, offset, is_over=state != CommandState.RUNNING)
    told = status_of_answer({**ended, "state": state})
    return CommandStatus(state, told.exit_code, told.why, lines, read_to, size, told.analysis_codes)


def _state(sftp: SFTP) -> tuple[CommandState, dict[str, object]]:
    """Return the command's state, and what the runner wrote at its end."""
    ended = _read(sftp, "ended.json")
    if ended:
        found = parse_object(ended)
        return (CommandState.LOST, {}) if found is None else (CommandState.ENDED, found)
    if _read(sftp, "began") is None:
        return CommandState.NONE, {}
    return (CommandState.RUNNING if _is_alive(sftp) else CommandState.LOST), {}


def _is_alive(sftp: SFTP) -> bool:
    """Return whether the runner touched its file lately; also where that cannot be found out."""
    try:
        _write(sftp, "asked", b"")
        now = sftp.stat(f"{STATE_DIRECTORY}/asked").st_mtime
        alive = sftp.stat(f"{STATE_DIRECTORY}/alive").st_mtime
    except TimeoutError:
        raise
    except OSError:
        return True
    return now is None or alive is None or now - alive < ALIVE_SECONDS


def _tail(sftp: SFTP, offset: int, is_over: bool) -> tuple[list[str], int, int]:
    """Return the next whole lines of the log from `offset`, the offset after them, and the size of the log."""
    try:
        with sftp.open(LOG, "rb") as file:
            size = max(file.stat().st_size or 0, 0)
            start = min(offset, size)
            file.seek(start)
            data = file.read(min(CHUNK, size - start))
    except TimeoutError:
        raise
    except OSError:
        return [], offset, 0
    end = data.rfind(b"\n") + 1
    if end == 0 and (len(data) == CHUNK or is_over):
        end = len(data)
    return lines_of(data[:end]), start + end, size


def _listing(sftp: SFTP, root: bytes, limit: int) -> Listing:
    found = Listing([], [], False)
    waiting = [b""]
    while waiting:
        directory = waiting.pop()
        try:
            for name, attributes in sftp.list_directory(posixpath.join(root, directory)):
                if len(found.files) + len(found.skipped) + len(waiting) >= limit:
                    return Listing(found.files, found.skipped, True)
                path = posixpath.join(directory, name)
                if stat.S_ISLNK(attributes.st_mode or 0):
                    _classify_link(sftp, root, path, found)
                else:
                    _classify(path, attributes, found, waiting)
        except TimeoutError:
            raise
        except OSError as error:
            found.skipped.append((directory or b".", error.strerror or "cannot be listed"))
    return found


def _classify(path: bytes, attributes: object, found: Listing, waiting: list[bytes]) -> None:
    mode = getattr(attributes, "st_mode", None) or 0
    if stat.S_ISDIR(mode):
        waiting.append(path)
    elif not stat.S_ISREG(mode):
        found.skipped.append((path, "not a regular file"))
    else:
        _add_file(path, attributes, None, found)


def _add_file(path: bytes, attributes: object, target: bytes | None, found: Listing) -> None:
    size, modified = getattr(attributes, "st_size", None), getattr(attributes, "st_mtime", None)
    if size is None or modified is None:
        found.skipped.append((path, "its size is not known"))
    else:
        found.files.append(RemoteFile(path, size, min(max(int(modified), 0), 2**32), target))


def _classify_link(sftp: SFTP, root: bytes, path: bytes, found: Listing) -> None:
    try:
        real_root, real = (sftp.real_path(each) for each in (root, posixpath.join(root, path)))
        if not real.startswith(posixpath.join(real_root, b"")):
            found.skipped.append((path, "a link that leads out of the work directory"))
            return
        attributes = sftp.lstat(real)  # type: ignore[arg-type]  # paramiko takes bytes, too
    except TimeoutError:
        raise
    except OSError:
        found.skipped.append((path, "a link to something that is not there"))
        return
    mode = attributes.st_mode or 0
    if stat.S_ISREG(mode):
        _add_file(path, attributes, posixpath.relpath(real, real_root), found)
    elif stat.S_ISDIR(mode):
        found.skipped.append((path, "a link to a folder; the files are stored where they are"))
    else:
        found.skipped.append((path, "a link to something that is not a regular file"))


def _read(sftp: SFTP, name: str) -> bytes | None:
    """Return the start of a state file; None if there is none. A pipe in its place is not opened: reading waits."""
    path = f"{STATE_DIRECTORY}/{name}"
    try:
        if not stat.S_ISREG(sftp.stat(path).st_mode or 0):
            return b""
        with sftp.open(path, "rb") as file:
            return file.read(SMALL_FILE)
    except FileNotFoundError:
        return None


def _write(sftp: SFTP, name: str, data: bytes) -> None:
    """Write a state file as a whole: a runner reads either nothing or all of it."""
    path = f"{STATE_DIRECTORY}/{name}"
    with sftp.open(f"{path}.new", "wb") as file:
        file.write(data)
    sftp.posix_rename(f"{path}.new", path)


def _exists(sftp: SFTP, path: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        sftp.stat(path)
        return True
    return False

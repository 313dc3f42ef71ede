"""Pinned SSH connections to the head nodes of a world in memory: they can break, time out, and meet another host key.

`connect` stands for `sshgateway.ssh.transport.connect`, so that everything above it runs as it is: `to_head` with its
host key alarm, `command_runner` with its parser, and the collection of output files.
"""

import io
import json
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from jobs.remote.command_runner import PROGRAM_COMMAND
from sshgateway.ssh.command_output import Result
from sshgateway.ssh.errors import CommandTimedOut, ConnectionLost, HostKeyChanged, Unreachable
from sshgateway.ssh.targets import Target
from tests.fakes.cloud import World
from tests.fakes.head_node import HeadNode, ProgramOnTheNode

SHOWN_INSTEAD = "SHA256:AnotherHostKeyThanTheOneItReported0000000000"


class ConnectionToANode:
    """A connection to one node of the world. `run` knows the portal's program and commands without output."""

    def __init__(self, world: World, cluster_id: str, name: str) -> None:
        self.world, self.cluster_id, self.name = world, cluster_id, name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    @property
    def active(self) -> bool:
        """It works until a call raises."""
        return True

    def close(self) -> None:
        """Nothing is held."""

    def run(
        self, command: str, *, stdin: bytes | None = None, timeout: float = 30.0, output_limit: int = 0
    ) -> Result:
        """Run a command to its end."""
        with self.world.around("ssh"):
            head = self.world.running_node(self.cluster_id, self.name)
            if self.world.broken_results:
                return self.world.broken_results.pop()
            if command != PROGRAM_COMMAND:
                return Result(0, b"", b"")
            request = json.loads(stdin or b"")
            answer = json.dumps(ProgramOnTheNode(head).answer(request))
            marker = request["marker"]
            return Result(0, f"start-up files print this {marker}{answer}{marker}".encode(), b"")

    @contextmanager
    def sftp(self, timeout: float = 30.0) -> Iterator["FilesOfANode"]:
        with self.world.around("ssh"):
            head = self.world.running_node(self.cluster_id, self.name)
        yield FilesOfANode(head)
        head.time_passes()


class FilesOfANode:
    """An SFTP client on a head node: it reads the work directory, and reads and writes the program's state files."""

    is_open = True

    def __init__(self, head: HeadNode) -> None:
        self.head = head
        self.written: dict[str, OpenFile] = {}

    def open(self, path: str | bytes, mode: str = "r") -> "OpenFile":
        """Open a file. Raises FileNotFoundError."""
        path = path if isinstance(path, str) else path.decode()
        if "w" in mode:
            return self.written.setdefault(path, OpenFile(b""))
        return OpenFile(self._content(path))

    def stat(self, path: str) -> "RemoteAttributes":
        """Return the attributes of a file. Raises FileNotFoundError."""
        if path == ".headnode" and self.head.is_prepared:
            return RemoteAttributes(path, 0)
        attributes = RemoteAttributes(path, len(self._content(path)))
        if path.endswith("/alive") and not self.head.is_running:
            attributes.st_mtime -= 3600
        return attributes

    def posix_rename(self, old: str, new: str) -> None:
        """Rename a file that was written."""
        data = self.written.pop(old).written
        if new.endswith("/stop"):
            self.head.stop_reason = self.head.stop_reason or data.decode()

    def list_directory(self, path: bytes) -> "Iterator[tuple[bytes, RemoteAttributes]]":
        """Yield the files of the work directory, which has no directories and links here."""
        for name, data in self.head.work_files.items():
            yield name.encode(), RemoteAttributes(name, len(data))

    def close(self) -> None:
        """Nothing is held."""

    def _content(self, path: str) -> bytes:
        for name, data in self.head.work_files.items():
            if path.endswith(f"work/{name}"):
                return data
        found = self.head.state_files.get(path.removeprefix(".headnode/"))
        if found is None:
            raise FileNotFoundError(2, "No such file")
        return found


class OpenFile(io.BytesIO):
    """An open remote file, as far as output collection uses one."""

    written = b""

    def stat(self) -> "RemoteAttributes":
        return RemoteAttributes("", len(self.getvalue()))

    def close(self) -> None:
        """Keep what was written."""
        if not self.closed:
            self.written = self.getvalue()
        super().close()

    def readv(self, parts: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the parts, given as (offset, size)."""
        for offset, size in parts:
            self.seek(offset)
            yield self.read(size)


class RemoteAttributes:
    """The attributes of a regular file."""

    def __init__(self, name: str, size: int) -> None:
        self.filename, self.st_size, self.st_mode = name, size, stat.S_IFREG | 0o644
        self.st_mtime = 1_700_000_000


def connect_in(world: World) -> Callable[..., ConnectionToANode]:
    """Return `transport.connect` for the nodes of this world."""

    def connect(target: Target, *, credential: Any, timeout: float = 10.0) -> ConnectionToANode:
        with world.around("ssh"):
            found = world.node_at(target.address)
            if found is None:
                raise Unreachable(f"{target.address} does not answer.")
            head = world.running_node(*found)
            if head.shows_another_key and found[1] == "head":
                raise HostKeyChanged(f"{target.address} shows another host key.", SHOWN_INSTEAD)
            world.logins += 1
            return ConnectionToANode(world, *found)

    return connect


def connection_breaks() -> None:
    """Raise as if a connection to a node was lost."""
    raise ConnectionLost("The connection broke.")


def command_hangs() -> None:
    """Raise as if a node did not answer in time."""
    raise CommandTimedOut("The command did not end in time.")


def program_fails(world: World) -> None:
    """Let the next command on a node fail, as the program does without a disk to write on."""
    world.broken_results.append(Result(1, b"", b"FileExistsError: [Errno 17] File exists: '.headnode'"))

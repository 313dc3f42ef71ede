"""Read and change the files in a run's folder on a node over SFTP, confined to that folder. Blocking.

The file server follows links, so every path is resolved on the node before it is used and must stay inside the folder;
after opening it is resolved again, so that a link that was put in place meanwhile is noticed before a byte is passed
on. What is written goes to a new file of a random name and gets its own name only when it is complete. All of it runs
as the job's user: nothing is reached that the job's own command could not reach.
"""

import posixpath
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from accounts.refusals import Refused
from jobs.remote import folder_refusals
from jobs.remote.folder_paths import is_inside
from jobs.remote.time_limit import limited
from sshgateway.ssh.errors import CommandTimedOut, SSHError
from sshgateway.ssh.sftp import write_whole
from sshgateway.ssh.transport import SFTP

MAX_ENTRIES = 20_000
MAX_LINKS_READ = 500
MAX_DEPTH = 100
CHUNK = 128 * 1024
WINDOW = 1024 * 1024
# How long a node may take for one such part of a file, and to list all folders of a zip.
WINDOW_SECONDS = 60.0
WALK_SECONDS = 60.0


@dataclass(frozen=True)
class Entry:
    """One file, folder or link. `kind`: file, folder, link or other. `modified` is in seconds since 1970."""

    path: bytes
    kind: str
    size: int | None
    modified: int | None
    target: bytes | None = None

    @property
    def etag(self) -> str:
        """Return a weak tag of this version of a file, as far as size and whole seconds tell."""
        return f'W/"{self.size}-{self.modified}"'


@dataclass(frozen=True)
class Folder:
    """The entries of a folder; not `complete` if there are more than were listed."""

    path: bytes
    entries: list[Entry]
    complete: bool


class OpenFile:
    """A regular file, opened for reading: never more than the size it had then is read."""

    def __init__(self, sftp: SFTP, source: Any, entry: Entry) -> None:
        self._sftp, self._source, self.entry = sftp, source, entry
        source.MAX_REQUEST_SIZE = CHUNK

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.entry.size or 0

    @property
    def etag(self) -> str:
        """Return a tag of this version, as far as size and whole seconds tell."""
        return self.entry.etag

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """Yield this part of the file. Raises Refused when the node stops answering or the file became shorter."""
        end = min(start + length, self.size)
        for at in range(start, end, WINDOW):
            wanted = [(part, min(CHUNK, end - part)) for part in range(at, min(at + WINDOW, end), CHUNK)]
            with within(self._sftp, WINDOW_SECONDS), told():
                data = b"".join(self._source.readv(wanted))
            yield data

    def close(self) -> None:
        """Close it; a broken connection is no error here."""
        with suppress(Exception):
            self._source.close()


class RunFolder:
    """The folder `root` on a node, as one SFTP client sees it."""

    def __init__(self, sftp: SFTP, root: bytes) -> None:
        self._sftp: Any = sftp  # paramiko's annotations do not know that it takes bytes
        self._root = root
        self._real_root: bytes | None = None

    def listing(self, path: bytes, limit: int = MAX_ENTRIES) -> Folder:
        """List a folder, at most `limit` entries. Raises Refused."""
        with told():
            real = self._resolve(path)
            if not stat.S_ISDIR(self._sftp.lstat(real).st_mode or 0):
                raise folder_refusals.not_a_folder()
            entries: list[Entry] = []
            links = 0
            for name, attributes in self._sftp.list_directory(real):
                if len(entries) >= limit:
                    return Folder(path, entries, complete=False)
                _check_listed(name)
                entry = _entry(posixpath.join(path, name), attributes)
                if entry.kind == "link" and links < MAX_LINKS_READ:
                    links += 1
                    entry = self._with_target(entry, posixpath.join(real, name))
                entries.append(entry)
            return Folder(path, entries, complete=True)

    def entry(self, path: bytes) -> Entry:
        """Return the file or folder at a path; links inside the folder are followed. Raises Refused."""
        with told():
            return _entry(path, self._sftp.lstat(self._resolve(path)))

    @contextmanager
    def opened(self, path: bytes) -> Iterator[OpenFile]:
        """Open a regular file. Raises Refused, also if something else was put in its place meanwhile."""
        with told():
            real = self._resolve(path)
            before = self._sftp.lstat(real)
            _check_regular(before)
            source = self._sftp.open(real, "rb")
        try:
            with told():
                found = source.stat()
                _check_regular(found)
                if self._resolve(path) != real or not _is_same(before, found, self._sftp.lstat(real)):
                    raise folder_refusals.replaced()
            yield OpenFile(self._sftp, source, _entry(path, found))
        finally:
            with suppress(Exception):
                source.close()

    def write(
        self, path: bytes, chunks: Iterable[bytes], check: Callable[[Entry | None], None] = lambda _: None
    ) -> Entry:
        """Write a file as a whole: it gets its name when all of it is there. Raises Refused.

        A link at the path is replaced, not followed. `check` gets what is there now, or None, and may refuse.
        """
        with told():
            parent, final = self._new_place(path)
            old = self._lstat(final)
            check(None if old is None else _entry(path, old))
            if old is not None and stat.S_ISDIR(old.st_mode or 0):
                raise folder_refusals.exists()
            part = posixpath.join(parent, f".headnode-{secrets.token_hex(8)}.part".encode())
            try:
                with self._sftp.open(part, "wxb") as target:
                    if self._resolve(posixpath.dirname(path)) != parent:
                        raise folder_refusals.outside()
                    size = write_whole(target, chunks)
                    if old is not None and stat.S_ISREG(old.st_mode or 0):
                        target.chmod(stat.S_IMODE(old.st_mode or 0o644))
                if self._sftp.lstat(part).st_size != size:  # what a disk refuses only when a file is closed
                    raise folder_refusals.failed()
                now = self._lstat(final)
                check(None if now is None else _entry(path, now))
                self._sftp.posix_rename(part, final)
            except BaseException:
                with suppress(Exception):
                    self._sftp.remove(part)
                raise
            return _entry(path, self._sftp.lstat(final))

    def make_folder(self, path: bytes) -> Entry:
        """Create a folder. Raises Refused, `path_exists` if there is something."""
        with told():
            _, final = self._new_place(path)
            if self._lstat(final) is not None:
                raise folder_refusals.exists()
            self._sftp.mkdir(final)
            return _entry(path, self._sftp.lstat(final))

    def rename(self, path: bytes, new_path: bytes) -> Entry:
        """Give a file, folder or link another path in the folder. Never replaces anything. Raises Refused."""
        with told():
            _, old = self._new_place(path)
            self._sftp.lstat(old)
            _, new = self._new_place(new_path)
            if self._lstat(new) is not None:
                raise folder_refusals.exists("newPath")
            self._sftp.rename(old, new)
            return _entry(new_path, self._sftp.lstat(new))

    def remove(self, path: bytes, *, recursive: bool = False) -> int:
        """Delete a file or a link (not what it leads to), or a folder. Return how many entries went. Raises Refused."""
        with told():
            _, final = self._new_place(path)
            if not stat.S_ISDIR(self._sftp.lstat(final).st_mode or 0):
                self._sftp.remove(final)
                return 1
            return self._remove_folder(final, recursive)

    def walk(self, path: bytes, limit: int) -> Iterator[Entry]:
        """Yield a file, or all that is below a folder; links to files inside the folder as those files.

        Raises Refused (`too_many_files`) after `limit` entries, `node_too_slow` after WALK_SECONDS.
        """
        with within(self._sftp, WALK_SECONDS), told():
            first = self.entry(path)
            waiting = [first]
            while waiting:
                entry = waiting.pop()
                yield entry
                if entry.kind != "folder":
                    continue
                if entry.path.count(b"/") > MAX_DEPTH:
                    raise folder_refusals.too_much(f"{MAX_DEPTH} folders deep")
                folder = self.listing(entry.path, limit + 1)
                limit -= len(folder.entries)
                if limit < 0:
                    raise folder_refusals.too_much("one request may read")
                waiting += [self._followed(each) for each in folder.entries]

    def _followed(self, entry: Entry) -> Entry:
        """Return what a link leads to, if that is a file in the folder; else the link."""
        if entry.kind != "link":
            return entry
        with suppress(Refused):
            found = self.entry(entry.path)
            return found if found.kind == "file" else entry
        return entry

    def _remove_folder(self, real: bytes, recursive: bool) -> int:
        found = islice(self._sftp.list_directory(real), MAX_ENTRIES + 1)
        entries = []
        for name, each in found:
            _check_listed(name)
            entries.append((posixpath.join(real, name), each))
        if entries and not recursive:
            raise folder_refusals.not_empty()
        if len(entries) > MAX_ENTRIES:
            raise folder_refusals.too_much(f"{MAX_ENTRIES} entries in one folder")
        if self._sftp.real_path(real) != real:  # it was replaced by a link meanwhile
            raise folder_refusals.outside()
        count = 1
        for path, attributes in entries:
            if stat.S_ISDIR(attributes.st_mode or 0):
                count += self._remove_folder(path, recursive)
            else:
                self._sftp.remove(path)
                count += 1
        self._sftp.rmdir(real)
        return count

    def _resolve(self, path: bytes) -> bytes:
        """Return the path on the node without links. Raises Refused if that is outside."""
        if self._real_root is None:
            self._real_root = self._sftp.real_path(self._root)
        if not path:
            return self._real_root
        real: bytes = self._sftp.real_path(posixpath.join(self._root, path))
        if not is_inside(real, self._real_root):
            raise folder_refusals.outside()
        return real

    def _new_place(self, path: bytes) -> tuple[bytes, bytes]:
        """Return the folder that a path is in, without links, and the path in it; its last part is not followed."""
        if not path:
            raise Refused(
                folder_refusals.FolderRefusal.PATH_INVALID,
                "Name a file or folder in the run's folder.",
                "path",
            )
        parent = self._resolve(posixpath.dirname(path))
        if not stat.S_ISDIR(self._sftp.lstat(parent).st_mode or 0):
            raise folder_refusals.not_a_folder()
        return parent, posixpath.join(parent, posixpath.basename(path))

    def _lstat(self, path: bytes) -> Any:
        try:
            return self._sftp.lstat(path)
        except FileNotFoundError:
            return None

    def _with_target(self, entry: Entry, real: bytes) -> Entry:
        with suppress(FileNotFoundError):
            return Entry(entry.path, "link", entry.size, entry.modified, self._sftp.read_link(real))
        return entry


@contextmanager
def within(sftp: SFTP, seconds: float) -> Iterator[None]:
    """End the channel, and raise Refused, if the node takes longer: it may answer each request in time for ever."""
    try:
        with limited(sftp, seconds, "The node's answer"):
            yield
    except CommandTimedOut:
        raise folder_refusals.too_slow() from None


@contextmanager
def told() -> Iterator[None]:
    """Raise Refused for what the file server refuses. TimeoutError and a broken connection are refusals, too."""
    try:
        yield
    except (Refused, GeneratorExit, SSHError):
        raise
    except TimeoutError:
        raise folder_refusals.too_slow() from None
    except FileNotFoundError:
        raise folder_refusals.not_found() from None
    except PermissionError:
        raise folder_refusals.denied() from None
    except OSError as error:
        if "closed" in str(error).lower():
            raise folder_refusals.too_slow() from error
        raise folder_refusals.failed() from error
    except Exception as error:  # the client meets bytes that the node chose: it may raise anything
        raise folder_refusals.too_slow() from error


def _entry(path: bytes, attributes: Any) -> Entry:
    mode = attributes.st_mode or 0
    kind = (
        "folder"
        if stat.S_ISDIR(mode)
        else "file"
        if stat.S_ISREG(mode)
        else "link"
        if stat.S_ISLNK(mode)
        else "other"
    )
    modified = attributes.st_mtime
    size = max(attributes.st_size or 0, 0) if kind == "file" else None
    return Entry(path, kind, size, None if modified is None else min(max(int(modified), 0), 2**32))


def _check_listed(name: bytes) -> None:
    """Raise Refused for a name that no file can have: in a zip it would lead out of where that is unpacked."""
    if not name or b"/" in name or b"\0" in name:
        raise folder_refusals.failed()


def _check_regular(attributes: Any) -> None:
    mode = attributes.st_mode or 0
    if not stat.S_ISREG(mode):
        raise folder_refusals.not_a_file(is_folder=stat.S_ISDIR(mode))


def _is_same(before: Any, opened: Any, after: Any) -> bool:
    """Return whether these can be the attributes of one file before, when and after it was opened.

    A file that is written to may have other sizes, but then it has a later time, or it only grew.
    """
    if len({(each.st_mode, each.st_uid, each.st_gid) for each in (before, opened, after)}) > 1:
        return False
    if not before.st_mtime <= opened.st_mtime <= after.st_mtime:
        return False
    grew_only = bool(before.st_size <= opened.st_size <= after.st_size)
    return grew_only or bool(after.st_mtime > before.st_mtime)

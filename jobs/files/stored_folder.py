"""A tree over stored files: the inputs of a job before it runs, its outputs afterwards. Only for reading."""

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.models import Job, StoredFile
from jobs.remote import folder_refusals
from jobs.remote.run_folder import MAX_ENTRIES, Entry, Folder
from jobs.storage import file_names, stored_files
from jobs.storage.archive_filters import ALWAYS
from jobs.storage.input_staging import SHARED_DIRECTORY, raw_path

CHUNK = 256 * 1024


class StoredContent:
    """A stored file, opened for reading."""

    def __init__(self, file: StoredFile, entry: Entry) -> None:
        self.entry, self._file = entry, file
        self._content = stored_files.open_file(file)

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self._file.size

    @property
    def etag(self) -> str:
        """Return a strong tag of the content; empty if its digest is not known."""
        return f'"{self._file.sha512}"' if self._file.sha512 else ""

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """Yield this part of the file."""
        self._content.seek(start)
        while length > 0 and (chunk := self._content.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Close it."""
        self._content.close()


class StoredFolder:
    """Stored files by the path that each has, or had, in the run's folder."""

    def __init__(self, files: dict[bytes, StoredFile]) -> None:
        self._files = files

    def listing(self, path: bytes, limit: int = MAX_ENTRIES) -> Folder:
        """List a folder, at most `limit` entries. Raises Refused."""
        if path in self._files:
            raise folder_refusals.not_a_folder()
        prefix = path + b"/" if path else b""
        found: dict[bytes, Entry] = {}
        for raw, file in self._files.items():
            if not raw.startswith(prefix):
                continue
            name, below, _ = raw[len(prefix) :].partition(b"/")
            if name in found:
                continue
            if len(found) >= limit:
                return Folder(path, list(found.values()), complete=False)
            found[name] = Entry(prefix + name, "folder", None, None) if below else _entry(raw, file)
        if not found and path:
            raise folder_refusals.not_found()
        return Folder(path, list(found.values()), complete=True)

    def entry(self, path: bytes) -> Entry:
        """Return the file or folder at a path. Raises Refused."""
        if (file := self._files.get(path)) is not None:
            return _entry(path, file)
        if path and not any(raw.startswith(path + b"/") for raw in self._files):
            raise folder_refusals.not_found()
        return Entry(path, "folder", None, None)

    @contextmanager
    def opened(self, path: bytes) -> Iterator[StoredContent]:
        """Open a file. Raises Refused."""
        entry = self.entry(path)
        if entry.kind != "file":
            raise folder_refusals.not_a_file(is_folder=True)
        content = StoredContent(self._files[path], entry)
        try:
            yield content
        finally:
            content.close()

    def walk(self, path: bytes, limit: int) -> Iterator[Entry]:
        """Yield a file, or all files below a folder. Raises Refused."""
        first = self.entry(path)
        if first.kind == "file":
            yield first
            return
        prefix = path + b"/" if path else b""
        for raw, file in self._files.items():
            if raw.startswith(prefix):
                limit -= 1
                if limit < 0:
                    raise folder_refusals.too_much("one request may read")
                yield _entry(raw, file)


def inputs_folder(job: Job) -> StoredFolder:
    """Return the job's inputs as they will be in the run's folder."""
    wanted = [each.file for each in job.inputs.select_related("file")]
    return StoredFolder({posixpath.join(SHARED_DIRECTORY, raw_path(file)): file for file in wanted})


def outputs_folder(job: Job) -> StoredFolder:
    """Return what was collected of the run's folder."""
    return StoredFolder(
        {
            path_in_folder(file_names.to_bytes(file.relative_path, file.is_escaped)): file
            for file in job.output_files.order_by("relative_path")
        }
    )


def path_in_folder(stored: bytes) -> bytes:
    """Return the path that an output file had in the run's folder.

    Outputs are stored by their path below the command's directory (`jobs.storage.output_plan`); the log is beside it.
    A file that a command left directly in the work directory cannot be told from one in the command's.
    """
    prefix = SHARED_DIRECTORY + b"/"
    is_whole = stored.startswith(prefix) or stored.decode("utf-8", "replace") in ALWAYS
    return stored if is_whole else prefix + stored


def _entry(path: bytes, file: StoredFile) -> Entry:
    when = file.modified_at or file.created_at
    return Entry(path, "file", file.size, int(when.timestamp()))

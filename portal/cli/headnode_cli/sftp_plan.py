"""What sftp is told, for computers without rsync. Pure, but for listing the person's own folder.

sftp goes on only with a remote file that is there and shorter than the local one, and calls everything else an error.
So every file gets a line of its own that may fail, after an empty file was made for those that are not there yet, and
a check at the end says which are whole.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator

from .errors import WrongUsage

# Makes the files named on standard input, and their folders, where they are not there yet.
MAKE_FILES = 'xargs -0 -r sh -c \'for path; do mkdir -p -- "$(dirname -- "$path")" && : >> "$path"; done\' sh'


def remote_path(path: str) -> str:
    """Return a path on the node as sftp wants it: from the home folder, without a tilde."""
    return (path[2:] if path.startswith("~/") else path) or "."


def pairs(source: str, target: str, *, is_folder: bool) -> list[tuple[str, str]]:
    """Return local and remote path of every file to send. `is_folder`: the target is a folder that is there."""
    target = remote_path(target)
    name = os.path.basename(os.path.abspath(source))
    base = posixpath.join(target, name) if is_folder or target.endswith("/") else target
    if not os.path.isdir(source):
        return [(source, base)]
    return [(path, posixpath.join(base, inside)) for path, inside in _files(source)]


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Yield every file below a folder, and its path inside with slashes."""
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(place, name)
            if os.path.isfile(path):
                yield path, os.path.relpath(path, folder).replace(os.sep, "/")


def put_batch(files: list[tuple[str, str]], *, resume: bool) -> str:
    """Return the lines that send files; with `resume` those may fail that are whole."""
    word = "-put -pa" if resume else "put -p"
    return "".join(f"{word} {_word(local)} {_word(remote)}\n" for local, remote in files)


def get_batch(source: str, target: str, *, recursive: bool, resume: bool) -> str:
    """Return the line that fetches a file or folder."""
    flags = f"-p{'a' if resume else ''}{'R' if recursive else ''}"
    return f"get {flags} {_word(remote_path(source))} {_word(target)}\n"


def _word(path: str) -> str:
    if "\n" in path or "\r" in path:
        raise WrongUsage("sftp cannot copy a name with a line end in it. Install rsync.")
    if path.startswith("-"):
        path = f"./{path}"  # sftp takes options after its commands
    # Between quotation marks sftp itself takes *, ? and [ as letters; escaped, they would name another file.
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

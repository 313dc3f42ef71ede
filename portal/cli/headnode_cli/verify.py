"""Whether what sftp copied is the same at both ends. It goes on with a file blindly; rsync checks by itself."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from . import ssh_session
from .copy_places import Place
from .errors import CLIError
from .sftp_plan import remote_path
from .ssh_session import TARGET, Session

PIECE = 1 << 20
# Prints the checksum of each file at "$1/$2", or at "$1" where that is not.
_SCRIPT = (
    'p="$1/$2"; [ -n "$2" ] && [ -e "$p" ] || p="$1"; '
    'if [ -d "$p" ]; then cd "$p" && find . -type f -exec sha256sum -- {} +; else sha256sum < "$p"; fi'
)


def same(session: Session, source: Place, target: Place) -> bool:
    """Whether every file of the source is at the target. Raises CLIError if the node cannot say."""
    name = os.path.basename(source.path.rstrip("/" + os.sep))
    if target.job:
        here, there = _checksums_here(Path(source.path)), _checksums_there(session, target.path, name)
        return not here - there
    goal = Path(target.path)
    here = _checksums_here(goal / name if (goal / name).exists() else goal)
    return not _checksums_there(session, source.path, "") - here


def _checksums_here(path: Path) -> Counter[str]:
    return Counter(_sha256(file) for file in _files(path))


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, _, names in os.walk(str(path)):
        yield from (Path(folder) / name for name in names if (Path(folder) / name).is_file())


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _checksums_there(session: Session, path: str, name: str) -> Counter[str]:
    printed = on_node(session, shlex.join(["sh", "-c", _SCRIPT, "sh", remote_path(path), name]))
    # sha256sum puts a backslash before the line of a name that it had to escape.
    return Counter(line.lstrip("\\")[:64] for line in printed.splitlines())


def is_folder(session: Session, path: str) -> bool:
    """Whether a path on the node is a folder."""
    return on_node(session, f"[ -d {shlex.quote(remote_path(path))} ] && echo yes || true").strip() == "yes"


def on_node(session: Session, script: str, given: str = "") -> str:
    """Run a script on the node. Return what it printed. Raises CLIError; ConnectionError if the line broke."""
    done = subprocess.run(
        session.command("ssh", TARGET, "--", script),
        input=given,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == ssh_session.SSH_FAILED:
        raise ConnectionError("ssh lost the connection")
    if done.returncode:
        raise CLIError(f"The node could not do its part: {done.stderr.strip()[:300]}")
    return done.stdout

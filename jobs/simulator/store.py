"""Keep the simulator's state on disk, as small JSON files that are each replaced whole.

After a kill a file is either the old or the new one, never half of each.
"""

import contextlib
import fcntl
import json
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# As long as a cloud's bill can be asked for. The portal asks within seconds of a cluster's end.
USAGE_DAYS = 90


class InUse(Exception):
    """Another simulator is running on this state directory."""


class Store:
    """Paths and files below the state directory. Knows nothing of what the files mean."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.run, self.clusters, self.etc, self.homes = (
            var / name for name in ("run", "clusters", "etc", "homes")
        )
        self._lock = open(var / "lock", "a")  # noqa: SIM115 - held until the process ends
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InUse(f"Another simulator is running on {var}.") from None
        self.clusters.mkdir(mode=0o700, exist_ok=True)
        self._usage = var / "usage"
        self._usage.mkdir(mode=0o700, exist_ok=True)
        self._make_traversable_folders()

    def _make_traversable_folders(self) -> None:
        for folder in (self.run, self.etc, self.homes):
            folder.mkdir(exist_ok=True)
            os.chmod(folder, 0o711)

    def move_out(self, base: Path) -> None:
        """Keep what nodes must see below another folder; keys and states stay where they are.

        Root's state directory is closed to the clusters' users, and without a mount namespace it cannot be shown to
        them in part. Raises PermissionError if the folder belongs to someone else.
        """
        base.mkdir(mode=0o711, exist_ok=True)
        found = base.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{base} belongs to someone else")
        os.chmod(base, 0o711)  # it can be traversed, not listed
        self.run, self.etc, self.homes = (base / name for name in ("run", "etc", "homes"))
        self._make_traversable_folders()

    def cluster_ids(self) -> list[str]:
        """Return the ids of the clusters that have a file."""
        return sorted(path.parent.name for path in self.clusters.glob("*/cluster.json"))

    def load(self, cluster_id: str) -> dict[str, Any]:
        """Return a cluster's file."""
        document: dict[str, Any] = json.loads((self.clusters / cluster_id / "cluster.json").read_text())
        return document

    def save(self, cluster_id: str, document: dict[str, Any]) -> None:
        """Replace a cluster's file."""
        folder = self.clusters / cluster_id
        folder.mkdir(mode=0o700, exist_ok=True)
        write_atomically(folder / "cluster.json", json.dumps(document, indent=1))

    def save_usage(self, cluster_id: str, nodes: list[dict[str, Any]]) -> None:
        """Keep for USAGE_DAYS how long the nodes of a cluster existed; records that are older go. Raises OSError."""
        write_atomically(self._usage / f"{cluster_id}.json", json.dumps(nodes))
        oldest = time.time() - USAGE_DAYS * 86400
        for path in self._usage.glob("*.json"):
            with contextlib.suppress(FileNotFoundError):  # another cluster's end removes them, too
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def load_usage(self, cluster_id: str) -> list[dict[str, Any]]:
        """Return the record of a cluster that is gone; empty if there is none. Raises OSError."""
        try:
            nodes: list[dict[str, Any]] = json.loads((self._usage / f"{cluster_id}.json").read_text())
        except (FileNotFoundError, ValueError):
            return []
        return nodes

    def private_key(self, cluster_id: str, name: str, make: Callable[[], bytes]) -> bytes:
        """Return a private key of the cluster, made when it is first asked for. It lies outside every sandbox."""
        path = self.clusters / cluster_id / f"{name}.host_key"
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(path, make().decode())
        return path.read_bytes()

    def make_home(self, cluster_id: str, username: str, uid: int | None, gid: int | None) -> Path:
        """Make the home that all nodes of a cluster share, closed to everyone but its user."""
        home = self.homes / cluster_id / username
        home.parent.mkdir(exist_ok=True)
        os.chmod(home.parent, 0o711)
        home.mkdir(mode=0o700, exist_ok=True)
        if uid is not None and gid is not None:
            os.chown(home, uid, gid, follow_symlinks=False)
        return home

    def make_etc(self, cluster_id: str, files: dict[str, str], private: str, uid: int | None) -> Path:
        """Write the files of /etc that the cluster's nodes see. Only the cluster's user can read `private`."""
        folder = self.etc / cluster_id
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            os.chmod(path.parent, 0o755)
            path.unlink(missing_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
                if name != private:
                    os.fchmod(file.fileno(), 0o644)
                elif uid is not None:
                    os.fchown(file.fileno(), uid, uid)
        return folder

    def make_context_folder(self, cluster_id: str, hostname: str, gid: int | None) -> Path:
        """Make the folder of a node's context files: its programs read it, and only the simulator writes in it."""
        folder = self.etc / cluster_id / f"context.{hostname}"
        _make_group_folder(folder, gid)
        return folder

    def write_context(
        self,
        cluster_id: str,
        hostname: str,
        files: dict[str, str],
        gid: int | None,
        *,
        executable: bool = False,
    ) -> None:
        """Write files into a node's context folder, by path in it. Files that exist are replaced whole."""
        top = self.make_context_folder(cluster_id, hostname, gid)
        for name, text in files.items():
            path = top / name
            for folder in reversed([folder for folder in path.parents if top in folder.parents]):
                _make_group_folder(folder, gid)
            new = path.with_name(path.name + ".new")
            new.unlink(missing_ok=True)
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
                if gid is not None:
                    os.fchown(file.fileno(), -1, gid)
                os.fchmod(file.fileno(), 0o750 if executable else 0o640)
            os.replace(new, path)

    def remove(self, cluster_id: str) -> None:
        """Remove everything of a cluster. Its file goes last: the next start finishes an interrupted removal."""
        for folder in (self.homes / cluster_id, self.etc / cluster_id, self.clusters / cluster_id):
            if folder.exists():
                shutil.rmtree(folder, onerror=_open_and_retry)


def _make_group_folder(folder: Path, gid: int | None) -> None:
    """Make a folder that one group may read."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        if gid is not None:
            os.chown(folder, -1, gid)
        os.chmod(folder, 0o750)


def _open_and_retry(function: Callable[[str], object], path: str, _info: object) -> None:
    """Remove a folder that its owner closed (chmod 000)."""
    for target in (os.path.dirname(path), path):
        try:
            if stat.S_ISDIR(os.lstat(target).st_mode):
                os.chmod(target, 0o700)
        except OSError:
            continue
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        try:
            function(path)
        except OSError:
            pass


def write_atomically(path: Path, text: str) -> None:
    """Replace a private file so that it is either the old or the new one, even after a power cut."""
    new = path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

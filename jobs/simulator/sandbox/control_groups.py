"""Let the kernel count and limit what a node's programs take together, in control groups (cgroup v1 or v2).

Nothing escapes it: memory of deleted files, memory that no program has mapped, buffers of sockets and pipes. Groups are
made where this process may make some: as root, or where systemd delegates to the user; never above its own group, so
that whatever limits the simulator limits its nodes, too. Where there are none, `limits_guard` counts what can be seen.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger("simulator")
SPARE_PROCESSES = 64  # above the node's own limit, for bubblewrap, the agent and who logs in to a full node
SPARE_MEMORY, SPARE_PART = 64 << 20, 8  # the guard acts first, and says which program it was
# Version 1 counts the buffers of TCP and UDP only if they have a limit of their own. The kernel also has one for the
# whole machine, a tenth of its memory. Above ours, sockets keep little: programs slow down, and nothing is ended.
SOCKET_BYTES = 128 << 20
OURS = "headnode-"
REMOVE_TRIES, STOP_TRIES, REMOVE_INTERVAL_SECONDS = 500, 50, 0.02


@dataclass(frozen=True)
class Hierarchy:
    """A mounted hierarchy: the folder that our groups are made in, and what it controls. `version` is 1 or 2."""

    folder: Path
    controllers: frozenset[str]
    version: int


@dataclass(frozen=True)
class ControlGroup:
    """One node's group: a folder in each hierarchy."""

    folders: tuple[tuple[Path, Hierarchy], ...]
    # How many programs the kernel had killed when somebody last asked.
    _kills_seen: list[int] = field(default_factory=lambda: [0])

    @property
    def members(self) -> list[Path]:
        """The files by which a process enters the group: it writes 0 to each."""
        return [folder / "cgroup.procs" for folder, _ in self.folders]

    def has_members(self) -> bool:
        """Return whether any process is in it, where memory is counted."""
        return bool(_read(self._memory[0] / "cgroup.procs").strip())

    def used_bytes(self) -> int:
        """Return the memory that is charged to it, without the files that can be read again."""
        folder, hierarchy = self._memory
        found = {
            words[0]: int(words[1])
            for line in _read(folder / "memory.stat").splitlines()
            if len(words := line.split()) == 2
        }
        if hierarchy.version == 2:
            kernel = found.get("kernel", found.get("slab", 0)) + found.get("sock", 0)
            return found.get("anon", 0) + found.get("shmem", 0) + kernel
        files = (folder / f"memory.kmem.{name}usage_in_bytes" for name in ("", "tcp."))
        kernel = sum(int(_read(file).strip() or 0) for file in files)
        return found.get("total_rss", 0) + found.get("total_shmem", 0) + kernel

    def killed(self) -> int:
        """Return how many programs the kernel has killed for want of memory since the last call."""
        folder, hierarchy = self._memory
        name = "memory.events" if hierarchy.version == 2 else "memory.oom_control"
        lines = [line.split() for line in _read(folder / name).splitlines()]
        total = next((int(words[1]) for words in lines if words[:1] == ["oom_kill"]), 0)
        new, self._kills_seen[0] = total - self._kills_seen[0], total
        return max(new, 0)

    def remove(self) -> bool:
        """Remove it. Return False while a process is left in it."""
        removed = [_remove_folder(folder) for folder, _ in self.folders]
        return all(removed)

    def kill(self) -> None:
        """Kill every process in it."""
        for pid in {int(line) for path in self.members for line in _read(path).split()}:
            if pid:  # 0 stands for one in another namespace
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill whatever is left in it, and remove it. What takes too long, the next start removes."""
        for _ in range(REMOVE_TRIES):
            if self.remove():
                return
            self.kill()
            await asyncio.sleep(REMOVE_INTERVAL_SECONDS)

    @property
    def _memory(self) -> tuple[Path, Hierarchy]:
        return next(pair for pair in self.folders if "memory" in pair[1].controllers)


class ControlGroups:
    """Where nodes' groups are made; `name` is this simulator's own."""

    def __init__(self, hierarchies: tuple[Hierarchy, ...], name: str) -> None:
        self._hierarchies, self._name = hierarchies, OURS + name

    @classmethod
    def find(cls, name: str) -> "ControlGroups | None":
        """Return groups that count memory; None where none can be made."""
        try:
            mounts, own = Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text()
        except OSError:
            return None
        found = map(where_groups_can_be_made, read_hierarchies(mounts, own))
        usable = [hierarchy for hierarchy in found if hierarchy is not None]
        if not any("memory" in hierarchy.controllers for hierarchy in usable):
            return None
        groups = cls(tuple(usable), name)
        groups.remove_empty()
        return groups

    def make(self, node: str, memory_bytes: int, processes: int) -> ControlGroup | None:
        """Make a node's group with its limits, or set those of the one that is there. None if the system refuses."""
        memory = memory_bytes + memory_bytes // SPARE_PART + SPARE_MEMORY
        made = []
        try:
            for hierarchy in self._hierarchies:
                folder = hierarchy.folder / f"{self._name}.{node}"
                folder.mkdir(exist_ok=True)
                made.append((folder, hierarchy))
                for file, value in _limits(hierarchy, memory, processes + SPARE_PROCESSES).items():
                    if (folder / file).exists():
                        (folder / file).write_text(f"{value}\n")
        except OSError as error:
            log.warning("%s has no control group: %s", node, error)
            ControlGroup(tuple(made)).remove()
            return None
        return ControlGroup(tuple(made))

    def remove_empty(self) -> bool:
        """Remove this simulator's groups that have no process. Return whether none is left."""
        folders = [
            folder for hierarchy in self._hierarchies for folder in hierarchy.folder.glob(f"{self._name}.*")
        ]
        removed = [_remove_folder(folder) for folder in folders]
        return all(removed)

    async def remove_as_they_empty(self) -> None:
        """Remove them while their processes end, for a moment: what is left then, the next start removes."""
        for _ in range(STOP_TRIES):
            if self.remove_empty():
                return
            await asyncio.sleep(REMOVE_INTERVAL_SECONDS)


def read_hierarchies(mountinfo: str, own: str) -> Iterator[Hierarchy]:
    """Return each hierarchy with the folder of this process's own group. Pure: the texts of two files of /proc/self."""
    paths = {}
    for line in own.splitlines():
        number, names, path = line.split(":", 2)
        paths[frozenset(names.split(",")) - {""} if number != "0" else frozenset()] = path
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        root, mount_point = left.split()[3:5]
        kind, _, options = right.split()[:3]
        if kind == "cgroup2" and frozenset() in paths:
            controllers, version = frozenset[str](), 2
        elif kind == "cgroup":
            named = [names for names in paths if names and names <= set(options.split(","))]
            if not named:
                continue
            controllers, version = named[0], 1
        else:
            continue
        path = paths[controllers]
        # In a container the mount may show only a part of the hierarchy.
        if path == root or path.startswith(root.rstrip("/") + "/"):
            inside = path[len(root.rstrip("/")) :].lstrip("/")
            yield Hierarchy(Path(mount_point, inside), controllers, version)


def where_groups_can_be_made(hierarchy: Hierarchy) -> Hierarchy | None:
    """Return where groups can be made in a hierarchy, and what for; None if nowhere.

    Version 2 gives a controller only to the children of a group without processes, so it is not this process's own
    group but the nearest above it that this user may write in and whose children have the controllers already.
    """
    wanted = frozenset({"memory", "pids"})
    if hierarchy.version == 1:
        controllers = hierarchy.controllers & wanted
        return (
            Hierarchy(hierarchy.folder, controllers, 1)
            if controllers and os.access(hierarchy.folder, os.W_OK)
            else None
        )
    for folder in (hierarchy.folder, *hierarchy.folder.parents):
        procs = folder / "cgroup.procs"
        if not procs.exists() or not os.access(folder, os.W_OK) or not os.access(procs, os.W_OK):
            return None
        controllers = wanted & set(_read(folder / "cgroup.subtree_control").split())
        if "memory" in controllers:
            return Hierarchy(folder, controllers, 2)
    return None


def _limits(hierarchy: Hierarchy, memory: int, processes: int) -> Mapping[str, int]:
    """Return what to write into which file of a group."""
    found = {"pids.max": processes} if "pids" in hierarchy.controllers else {}
    if "memory" in hierarchy.controllers:
        if hierarchy.version == 2:
            found |= {"memory.max": memory, "memory.swap.max": 0}
        else:
            # The limit with swap cannot be below the one without, so that one comes first.
            found |= {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory}
            found["memory.kmem.tcp.limit_in_bytes"] = SOCKET_BYTES
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _remove_folder(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True

"""Unpack a job's archives on the head node, within limits, each once and each completely or not at all.

This file is sent to the node and runs there with the node's own Python (3.6 or newer, standard library only). It reads
one request from standard input and writes one JSON object to standard output:

    unpack   unpack the named archives of the shared work directory. May be repeated.

An archive of a few kilobytes can hold terabytes of zeros. So every byte is counted as it is written, whatever the
archive claims, and files stay in a directory of their own until all of them are there. An archive inside an archive is
a file like any other.
"""

import errno
import filecmp
import json
import os
import resource
import shutil
import signal
import stat
import sys
import tarfile
import time
import zipfile
import zlib

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it cannot read .xz at all
    LZMAError = zlib.error

HOME = os.path.expanduser("~")
STATE_DIRECTORY = os.path.join(HOME, ".headnode")
STATE = os.path.join(STATE_DIRECTORY, "unpacked.json")
SHARED = os.path.join(HOME, "work", "shared")
# In the directory that the files belong to, so that they can be renamed into place.
STAGING = os.path.join(SHARED, ".headnode-unpacking")
CHUNK = 256 * 1024
MEGABYTE = 1000 * 1000
BROKEN = (
    ValueError,
    EOFError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    LZMAError,
    KeyError,
    IndexError,
)


class Refused(Exception):
    """An archive is not unpacked. The text continues a sentence that begins with the archive's name."""


class Budget:
    """What one archive may still write: bytes and members, fewer if the job's other archives used much."""

    def __init__(self, path, limits, used):
        packed = os.path.getsize(path)
        by_ratio = max(limits["small_bytes"], limits["ratio"] * packed)
        self.limits = limits
        self.ratio_counts = by_ratio <= limits["bytes"] - used["bytes"]
        self.max_bytes = by_ratio if self.ratio_counts else limits["bytes"] - used["bytes"]
        self.max_members = limits["members"] - used["members"]
        self.bytes = 0
        self.members = 0

    def check_claim(self, count):
        """Raise Refused if an archive says itself that it holds more bytes: then none has to be written."""
        if count > self.max_bytes:
            size = "more than %d MB" % (self.max_bytes // MEGABYTE)
            if self.ratio_counts and self.max_bytes > self.limits["small_bytes"]:
                raise Refused("unpacks to %s, over %d times its size" % (size, self.limits["ratio"]))
            if self.ratio_counts:
                raise Refused("unpacks to %s, which is too much for its size" % size)
            raise Refused("unpacks to %s, more than a job's archives may hold" % size)

    def add_bytes(self, count):
        """Count bytes. Raise Refused if they are too many."""
        self.bytes += count
        self.check_claim(self.bytes)

    def add_member(self, name):
        """Count a member. Raise Refused if there are too many, or for a path that is too deep or too long."""
        self.members += 1
        if self.members > self.max_members:
            raise Refused("holds more than %d files and directories" % self.max_members)
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if parts[:1] == [os.path.basename(STAGING)]:
            raise Refused("holds %r, a name that is needed while it is unpacked" % parts[0])
        if len(parts) > self.limits["depth"]:
            raise Refused("holds a path of more than %d directories" % self.limits["depth"])
        if len(name.encode("utf-8", "surrogateescape")) > self.limits["path_bytes"]:
            raise Refused("holds a path of more than %d bytes" % self.limits["path_bytes"])


def unpack(request):
    """Unpack each archive once. Return why some are not unpacked, and whether the rest needs another request."""
    began = time.monotonic()
    state = read_state()
    waiting = [name for name in request["names"] if name not in state["why"]]
    for position, name in enumerate(waiting):
        if position > 0 and time.monotonic() - began > request["limits"]["start_seconds"]:
            return answer_of(request, state, more=True)
        state["why"][name] = try_unpacking(os.path.basename(name), request["limits"], state)
        write_state(state)
    return answer_of(request, state, more=False)


def answer_of(request, state, more):
    """Return the answer to a request: refused archives by their place in it, since a name need not be UTF-8."""
    refused = [[at, state["why"][name]] for at, name in enumerate(request["names"]) if state["why"].get(name)]
    return {"state": "unpacked", "refused": refused, "more": more}


def try_unpacking(name, limits, state):
    """Unpack one archive. Return why that was refused; an empty text if it was not. Nothing of a refused one stays."""
    signal.signal(signal.SIGALRM, too_slow)
    try:
        path = os.path.join(SHARED, name)
        remove_staged()
        os.mkdir(STAGING)
        budget = Budget(path, limits, state)
        signal.setitimer(signal.ITIMER_REAL, limits["archive_seconds"])
        extract(path, budget)
        check_conflicts(STAGING, SHARED)
        # From here on only names change, which is quick: do not stop in the middle.
        signal.setitimer(signal.ITIMER_REAL, 0)
        move_into(STAGING, SHARED)
        state["bytes"] += budget.bytes
        state["members"] += budget.members
        return ""
    except Refused as refused:
        return str(refused)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return "needs more space than the disk has"
        return "could not be unpacked (%s)" % (error.strerror or "it is broken")
    except MemoryError:
        return "needs too much memory to unpack"
    except RuntimeError:
        return "is encrypted, or compressed in a way that is not supported"
    except BROKEN:
        return "is broken, or not an archive of its kind"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        remove_staged()


def too_slow(number, frame):
    """Handle SIGALRM."""
    raise Refused("takes too long to unpack")


def extract(path, budget):
    """Unpack an archive into the staging directory."""
    if path.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            budget.check_claim(sum(member.file_size for member in archive.infolist()))
            for member in archive.infolist():
                extract_zip_member(archive, member, budget)
        return
    with tarfile.open(path) as archive:
        for member in archive:
            extract_tar_member(archive, member, budget)


def extract_zip_member(archive, member, budget):
    """Write a member of a zip, under the bytes of its name. One that leads outside the directory is refused."""
    name = zip_name(member)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused("holds a path or a link that leads out of the directory")
    budget.add_member("/".join(parts))
    path = os.path.join(STAGING, *parts)
    if not parts or name.endswith("/"):
        make_folders(path)
        return
    make_folders(os.path.dirname(path))
    if os.path.lexists(path):
        raise Refused("holds %r twice" % "/".join(parts))
    if stat.S_ISLNK(member.external_attr >> 16):
        budget.add_bytes(member.file_size)
        link_to(archive.read(member).decode("utf-8", "surrogateescape"), path)
        return
    with archive.open(member) as source, open(path, "wb") as target:
        while True:
            data = source.read(CHUNK)
            if not data:
                return
            budget.add_bytes(len(data))
            target.write(data)


def zip_name(member):
    """Return a member's name as it is in the archive: without the UTF-8 flag, zipfile reads the bytes as cp437."""
    if member.flag_bits & 0x800:
        return member.filename
    return os.fsdecode(member.orig_filename.encode("cp437", "replace").split(b"\0")[0])


def make_folders(path):
    """Make a directory and those above it. Raise Refused if a file has the name of one."""
    try:
        os.makedirs(path, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Refused("holds a file and a directory of one name") from None
    if not (os.path.realpath(path) + "/").startswith(os.path.realpath(STAGING) + "/"):
        raise Refused("holds a path or a link that leads out of the directory")


def link_to(target, path):
    """Make a link that leads to something in the directory. Raise Refused for another."""
    leads_to = os.path.realpath(os.path.join(os.path.dirname(path), target))
    if not (leads_to + "/").startswith(os.path.realpath(STAGING) + "/"):
        raise Refused("holds a path or a link that leads out of the directory")
    os.symlink(target, path)


def extract_tar_member(archive, member, budget):
    """Write a member of a tar. One that leads outside the directory, or is no file, directory or link, is refused."""
    member.name = member.name.strip("/") or "."
    budget.add_member(member.name)
    if member.size < 0:
        raise Refused("is broken, or not an archive of its kind")
    # tarfile writes exactly this many; of a sparse file it is the size with its holes.
    budget.add_bytes(member.size)
    check_tar_member(member)
    if hasattr(tarfile, "data_filter"):
        archive.extract(member, STAGING, filter="data")
        return
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    member.mode = member.mode & 0o755 | (0o700 if member.isdir() else 0o600)
    archive.extract(member, STAGING)


def check_tar_member(member):
    """Raise Refused for a member that may not be written. Not all of Python's versions have a filter for this."""
    path = os.path.join(STAGING, member.name)
    if member.issym():
        leads_to = os.path.join(os.path.dirname(path), member.linkname)
    elif member.islnk():
        leads_to = os.path.join(STAGING, member.linkname)
        # Otherwise tarfile would write the linked member once more, uncounted.
        if not os.path.isfile(leads_to) or os.path.islink(leads_to):
            raise Refused("holds a link to a file that is not in it")
    elif member.isfile() or member.isdir():
        leads_to = path
    else:
        raise Refused("holds a device or a pipe")
    for each in (os.path.dirname(path), leads_to):
        if not (os.path.realpath(each) + "/").startswith(os.path.realpath(STAGING) + "/"):
            raise Refused("holds a path or a link that leads out of the directory")


def check_conflicts(source, target):
    """Raise Refused if something would take the place of something else that is there already."""
    for entry in os.scandir(source):
        path = os.path.join(target, entry.name)
        if os.path.lexists(path) and entry.is_dir(follow_symlinks=False) != os.path.isdir(path):
            shown = os.path.relpath(path, SHARED)
            raise Refused("holds %r, which is there already as something else" % shown)
        if (
            os.path.lexists(path)
            and not entry.is_dir(follow_symlinks=False)
            and not is_same(entry.path, path)
        ):
            shown = os.path.relpath(path, SHARED)
            raise Refused("holds %r, which is there already with other content" % shown)
        if entry.is_dir(follow_symlinks=False) and os.path.isdir(path):
            check_conflicts(entry.path, path)


def is_same(one, other):
    """Return whether two files have the same content, or two links lead to the same: then nothing is lost."""
    if os.path.islink(one) or os.path.islink(other):
        return os.path.islink(one) and os.path.islink(other) and os.readlink(one) == os.readlink(other)
    return filecmp.cmp(one, other, shallow=False)


def move_into(source, target):
    """Move what is in one directory into another, over the files that are there."""
    for entry in os.scandir(source):
        path = os.path.join(target, entry.name)
        if entry.is_dir(follow_symlinks=False) and os.path.isdir(path):
            move_into(entry.path, path)
        else:
            os.replace(entry.path, path)


def remove_staged():
    """Remove what an archive left in the staging directory, also one that was killed."""
    shutil.rmtree(STAGING, ignore_errors=True)


def read_state():
    """Return why each archive was refused (an empty text if it was not), and what all of them hold together."""
    try:
        with open(STATE) as file:
            state = json.load(file)
            return {"why": dict(state["why"]), "bytes": int(state["bytes"]), "members": int(state["members"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"why": {}, "bytes": 0, "members": 0}


def write_state(state):
    """Replace the state file atomically."""
    os.makedirs(STATE_DIRECTORY, mode=0o700, exist_ok=True)
    with open(STATE + ".new", "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(STATE + ".new", STATE)


def limit_memory(limit):
    """Let the kernel refuse memory beyond the limit: headers, too, may be compressed a thousandfold."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (ValueError, OSError):  # a lower limit holds already, or the system has none
        pass


if __name__ == "headnode":
    limit_memory(request["limits"]["memory_bytes"])  # noqa: F821 (defined by the caller)
    sys.stdout.write(json.dumps(unpack(request)))  # noqa: F821 (defined by the caller)
    sys.stdout.flush()

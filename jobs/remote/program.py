"""Runs a job's command on the head node, at most once, whatever becomes of whoever asked.

This file is sent to the node and runs there with its own Python (3.6 or newer, standard library only). It is
called as one request on standard input and answers one JSON object on standard output:

    prepare  make the directories and the files every job has.
    unpack   unpack archives in the shared work directory, each once.
    start    write the command down and make sure that a runner exists. May be asked any number of times.
    status   how the command is doing, and the next piece of its output.
    listing  what lies in the work directory.
    stop     end the command: TERM to its process group, KILL after a while.

The runner is a process of its own session: it outlives the SSH connection. It holds a lock while it lives and
leaves a mark before it starts the command, so that a second runner never starts the command again. A full disk
makes it wait for room: neither output nor the exit code is lost.
"""

import base64
import errno
import fcntl
import json
import os
import select
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib

HOME = os.path.expanduser("~")
PLACE = os.path.join(HOME, ".headnode")
WORK = os.path.join(HOME, "work")
SHARED = os.path.join(WORK, "shared")
LOG = os.path.join(WORK, "process_output.log")
KILL_AFTER_SECONDS = 10.0
LAST_WORDS_SECONDS = 2.0
CHUNK = 64 * 1024
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
LOOK_FOR_ROOM_SECONDS = 0.5


def place(name):
    return os.path.join(PLACE, name)


def write(name, text):
    """Write a whole file or nothing."""
    temporary = place(name + ".new")
    with open(temporary, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, place(name))


def patiently(work, *arguments):
    """Do it; while the disk is full, again and again."""
    while True:
        try:
            return work(*arguments)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
        time.sleep(LOOK_FOR_ROOM_SECONDS)


def append(log, data):
    """Write all of it to the unbuffered log: a disk that is nearly full takes a part."""
    while data:
        data = data[patiently(log.write, data) :]


def read(name):
    try:
        with open(place(name)) as file:
            return file.read()
    except FileNotFoundError:
        return None


def lock():
    """The runner's lock, or None while a runner has it."""
    descriptor = os.open(place("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def prepare(request):
    os.makedirs(PLACE, mode=0o700, exist_ok=True)
    os.makedirs(SHARED, exist_ok=True)
    if read("began") is None:
        for path, text in request["files"].items():
            with open(os.path.join(HOME, path), "w") as file:
                file.write(text)
    return {"state": "prepared"}


def unpack(request):
    done = set((read("unpacked") or "").splitlines())
    bad = []
    for name in request["names"]:
        if name not in done:
            try:
                extract(os.path.join(SHARED, os.path.basename(name)))
            except (OSError, ValueError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error):
                bad.append(name)
            done.add(name)
            write("unpacked", "\n".join(sorted(done)))
    return {"state": "unpacked", "bad": bad}


def extract(path):
    """Members that would land outside the directory are made harmless by zipfile, refused by tarfile's filter."""
    if path.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(SHARED)
        return
    with tarfile.open(path) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(SHARED, filter="data")
        else:
            inside = [m for m in archive if (m.isfile() or m.isdir()) and not m.name.startswith("/")]
            archive.extractall(SHARED, [m for m in inside if ".." not in m.name.split("/")])


def start(request):
    os.makedirs(PLACE, mode=0o700, exist_ok=True)
    os.makedirs(SHARED, exist_ok=True)
    if read("began") is None:
        write("command.sh", request["command"])
        write("env.json", json.dumps(request.get("env", {})))
        write("program.py", request["source"])
    held = lock()
    if held is None or read("began") is not None:
        return {"state": "known"}
    os.close(held)
    subprocess.Popen(
        [sys.executable, place("program.py"), "run"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=HOME,
        start_new_session=True,
    )
    return {"state": "started"}


def status(request):
    if not os.path.isdir(PLACE):
        return {"state": "none"}
    ended = read("ended.json")
    answer = {}
    if ended:
        answer.update(json.loads(ended), state="ended")
    else:
        held = lock()
        if held is None:
            answer["state"] = "running"
        else:
            os.close(held)
            # Between the two looks the runner may have ended properly.
            ended = read("ended.json")
            if ended:
                answer.update(json.loads(ended), state="ended")
            else:
                answer["state"] = "lost" if read("began") is not None else "none"
    answer.update(tail(int(request.get("offset", 0)), answer["state"] != "running"))
    return answer


def tail(offset, is_over):
    """The next whole lines of the log from `offset`, and the offset behind them."""
    try:
        with open(LOG, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(min(offset, size))
            data = file.read(CHUNK)
    except OSError:
        return {"log": "", "offset": offset, "size": 0}
    end = data.rfind(b"\n") + 1
    if end == 0 and (len(data) == CHUNK or is_over):
        end = len(data)
    data = data[:end]
    return {"log": base64.b64encode(data).decode(), "offset": min(offset, size) + end, "size": size}


def listing(request):
    """Regular files as [path, size, time], and everything left out as [path, why]; names are bytes until known good."""
    root = os.fsencode(WORK)
    files, left, waiting = [], [], [b""]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(os.path.join(root, directory)) as entries:
                for entry in entries:
                    if len(files) + len(left) >= request["limit"]:
                        return {"state": "listed", "files": files, "left": left, "more": True}
                    look_at(os.path.join(directory, entry.name), entry, files, left, waiting)
        except OSError as error:
            left.append([directory.decode("utf-8", "replace") or ".", error.strerror or "cannot be listed"])
    return {"state": "listed", "files": files, "left": left, "more": False}


def look_at(inside, entry, files, left, waiting):
    try:
        path = inside.decode("utf-8")
        found = entry.stat(follow_symlinks=False)
    except UnicodeDecodeError:
        left.append([repr(inside)[2:-1], "its name is no UTF-8"])
    except OSError as error:
        left.append([inside.decode("utf-8", "replace"), error.strerror or "cannot be looked at"])
    else:
        if stat.S_ISDIR(found.st_mode):
            waiting.append(inside)
        elif stat.S_ISREG(found.st_mode):
            files.append([path, found.st_size, int(found.st_mtime)])
        else:
            left.append([path, "a link" if stat.S_ISLNK(found.st_mode) else "no regular file"])


def stop(request):
    if not os.path.isdir(PLACE):
        return {"state": "none"}
    if read("stop") is None:
        write("stop", request.get("why", "stopped"))
    return status(request)


def stamp():
    return time.strftime("[%Y-%m-%dT%H:%M:%SZ]: ", time.gmtime()).encode()


def run():
    """The runner: take the lock, leave the mark, run the command, stamp its lines, leave the result."""
    held = lock()
    if held is None or read("began") is not None:
        return
    write("began", str(os.getpid()))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    env = dict(os.environ)
    env.update(json.loads(read("env.json") or "{}"))
    with open(place("command.sh")) as file:
        first = file.read().strip().split("\n", 1)[0]
    with open(LOG, "ab", buffering=0) as log:
        head = "Launching %s, Working dir: %s.  Process output follows:\n" % (first[:200], SHARED)
        append(log, stamp() + head.encode("utf-8", "replace"))
        try:
            process = subprocess.Popen(
                ["/bin/bash", place("command.sh")],
                cwd=SHARED,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            append(log, stamp() + ("Could not start: %s\n" % error).encode())
            patiently(write, "ended.json", json.dumps({"exit_code": 127, "why": ""}))
            return
        code = follow(process, log)
        append(log, stamp() + b"Exited with code %d\n" % code)
        patiently(os.fsync, log.fileno())
    patiently(write, "ended.json", json.dumps({"exit_code": code, "why": read("stop") or ""}))


def follow(process, log):
    """Copy lines until the command is over; answer its exit code as a shell would say it."""
    pipe = process.stdout.fileno()
    rest = b""
    asked_at = None
    over_at = None
    while True:
        ready = select.select([pipe], [], [], 0.25)[0]
        if ready:
            data = os.read(pipe, CHUNK)
            if not data:
                break
            rest = put(log, rest + data)
        if process.poll() is not None:
            # The command ended; something it left in the background may hold the pipe, and even write on.
            over_at = over_at or time.monotonic()
            if not ready or time.monotonic() - over_at > LAST_WORDS_SECONDS:
                break
        if asked_at is None and os.path.exists(place("stop")):
            asked_at = time.monotonic()
            signal_group(process, signal.SIGTERM)
        elif asked_at is not None and time.monotonic() - asked_at > KILL_AFTER_SECONDS:
            signal_group(process, signal.SIGKILL)
    if rest:
        put(log, rest + b"\n")
    code = process.wait()
    return code if code >= 0 else 128 - code


def put(log, data):
    """Write whole lines with their stamp; answer what is left. A line without an end is cut at 64 kB."""
    lines = data.split(b"\n")
    rest = lines.pop()
    if len(rest) > CHUNK:
        lines.append(rest)
        rest = b""
    if lines:
        now = stamp()
        append(log, b"".join(now + line + b"\n" for line in lines))
    return rest


def signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except OSError:
        pass


def answer(request):
    verbs = {
        "prepare": prepare,
        "unpack": unpack,
        "start": start,
        "status": status,
        "stop": stop,
        "listing": listing,
    }
    sys.stdout.write(json.dumps(verbs[request["verb"]](request)))
    sys.stdout.flush()


if __name__ == "__main__":
    run()
elif __name__ == "headnode":
    answer(request)  # noqa: F821 (put there by the caller)

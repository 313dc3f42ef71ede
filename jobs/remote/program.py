"""Run a job's command on the head node at most once, whatever happens to the caller.

This file is sent to the node and runs there with the node's own Python (3.6 or newer, standard library only). It reads
one request from standard input and writes one JSON object to standard output:

    prepare  create the directories and the files that every job has.
    start    store the commands and make sure that a runner exists. May be repeated.
    status   the state of the command, and the next part of its output.
    listing  the files in the work directory.
    stop     end the command: TERM to its process group, later KILL.

The runner is a process in a session of its own, so it outlives the SSH connection. It holds a lock while it lives and
writes the file `began` before it starts the command, so a second runner never starts the command again. On a full disk
it waits for space: neither output nor the exit code is lost.
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
import time

HOME = os.path.expanduser("~")
STATE_DIRECTORY = os.path.join(HOME, ".headnode")
WORK = os.path.join(HOME, "work")
SHARED = os.path.join(WORK, "shared")
LOG = os.path.join(WORK, "process_output.log")
KILL_AFTER_SECONDS = 10.0
PIPE_GRACE_SECONDS = 2.0
CHUNK = 64 * 1024
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
RETRY_SECONDS = 0.5
ALIVE_SECONDS = 5.0


def state_path(name):
    """Return the path of a state file."""
    return os.path.join(STATE_DIRECTORY, name)


def write_state(name, text):
    """Replace a state file atomically. Only its user may read it: the environment of the steps has the job's key."""
    temporary = state_path(name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, state_path(name))


def retry_while_full(action, *arguments):
    """Call the action; repeat it as long as the disk is full."""
    while True:
        try:
            return action(*arguments)
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
        touch_alive()
        time.sleep(RETRY_SECONDS)


last_touched = 0.0


def touch_alive():
    """Show every few seconds that the runner lives, to those who can only look at its files."""
    global last_touched
    if time.monotonic() - last_touched < ALIVE_SECONDS:
        return
    last_touched = time.monotonic()
    try:
        with open(state_path("alive"), "w"):
            pass
    except OSError:
        pass


def append(log, data):
    """Write all data to the unbuffered log. A disk that is nearly full accepts only a part at a time."""
    while data:
        data = data[retry_while_full(log.write, data) :]


def read_state(name):
    """Return the text of a state file, or None if there is none."""
    try:
        with open(state_path(name), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None


def take_lock():
    """Return the runner's lock as a file descriptor, or None while a runner holds it."""
    descriptor = os.open(state_path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def prepare(request):
    """Create the directories and the requested files, unless the command has begun."""
    os.makedirs(STATE_DIRECTORY, mode=0o700, exist_ok=True)
    os.makedirs(SHARED, exist_ok=True)
    if read_state("began") is None:
        for path, text in request["files"].items():
            with open(os.path.join(HOME, path), "w", encoding="utf-8") as file:
                file.write(text)
    return {"state": "prepared"}


def start(request):
    """Store the commands, and start a runner unless one runs or the first command has begun."""
    os.makedirs(STATE_DIRECTORY, mode=0o700, exist_ok=True)
    os.makedirs(SHARED, exist_ok=True)
    if read_state("began") is None:
        write_state("steps.json", json.dumps(request["steps"]))
        write_state("program.py", request["source"])
    held = take_lock()
    if held is None or read_state("began") is not None:
        return {"state": "known"}
    os.close(held)
    subprocess.Popen(
        [sys.executable, "-I", "-S", state_path("program.py"), "run"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=HOME,
        start_new_session=True,
    )
    return {"state": "started"}


def status(request):
    """Return the state of the command, and the next part of its output."""
    if not os.path.isdir(STATE_DIRECTORY):
        return {"state": "none"}
    answer = command_state()
    answer.update(tail(int(request.get("offset", 0)), answer["state"] != "running"))
    return answer


def command_state():
    """Return the state of the command, with its result if it has ended."""
    ended = read_state("ended.json")
    if not ended:
        held = take_lock()
        if held is None:
            return {"state": "running"}
        os.close(held)
        # The runner may have ended between the two checks.
        ended = read_state("ended.json")
    if ended:
        try:
            return dict(json.loads(ended), state="ended")
        except (ValueError, TypeError, RecursionError):  # somebody else wrote it
            return {"state": "lost"}
    return {"state": "lost" if read_state("began") is not None else "none"}


def tail(offset, is_over):
    """Return the next whole lines of the log from `offset`, and the offset after them."""
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
    """Return files as [path, size, time], links to files as [path, size, time, target], the rest as [path, reason].

    Paths are bytes below the work directory, as `path_in_json` writes them.
    """
    root = os.fsencode(WORK)
    files, skipped, waiting = [], [], [b""]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(os.path.join(root, directory)) as entries:
                for entry in entries:
                    if len(files) + len(skipped) >= request["limit"]:
                        return {"state": "listed", "files": files, "left": skipped, "more": True}
                    classify(root, os.path.join(directory, entry.name), entry, files, skipped, waiting)
        except OSError as error:
            skipped.append([path_in_json(directory or b"."), error.strerror or "cannot be listed"])
    return {"state": "listed", "files": files, "left": skipped, "more": False}


def path_in_json(path):
    """Return a path for JSON: text if it is UTF-8, else its bytes in base64."""
    try:
        return path.decode("utf-8")
    except UnicodeDecodeError:
        return {"bytes": base64.b64encode(path).decode()}


def classify(root, inside, entry, files, skipped, waiting):
    """Add a directory entry to one of the three lists."""
    path = path_in_json(inside)
    try:
        found = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            waiting.append(inside)
        elif stat.S_ISREG(found.st_mode):
            files.append([path, found.st_size, int(found.st_mtime)])
        elif stat.S_ISLNK(found.st_mode):
            classify_link(root, inside, files, skipped)
        else:
            skipped.append([path, "not a regular file"])
    except OSError as error:
        skipped.append([path, error.strerror or "cannot be read"])


def classify_link(root, inside, files, skipped):
    """Add a link to the files if it leads to one in the work directory; otherwise say where it leads."""
    path = path_in_json(inside)
    real_root, real = os.path.realpath(root), os.path.realpath(os.path.join(root, inside))
    if real != real_root and not real.startswith(os.path.join(real_root, b"")):
        skipped.append([path, "a link that leads out of the work directory"])
        return
    try:
        found = os.lstat(real)
    except OSError:
        skipped.append([path, "a link to something that is not there"])
        return
    target = os.path.relpath(real, real_root)
    if stat.S_ISREG(found.st_mode):
        files.append([path, found.st_size, int(found.st_mtime), path_in_json(target)])
    elif stat.S_ISDIR(found.st_mode):
        skipped.append([path, "a link to a folder; the files are stored where they are"])
    else:
        skipped.append([path, "a link to something that is not a regular file"])


def stop(request):
    """Ask the runner to end the command, and return its state."""
    if not os.path.isdir(STATE_DIRECTORY):
        return {"state": "none"}
    if read_state("stop") is None:
        write_state("stop", request.get("why", "stopped"))
    return status(request)


def stamp():
    """Return the time stamp of a line of the log."""
    return time.strftime("[%Y-%m-%dT%H:%M:%SZ]: ", time.gmtime()).encode()


def run():
    """Be the runner: take the lock, run the command, time-stamp its output, write the result."""
    held = take_lock()
    if held is None or read_state("began") is not None:
        return
    write_state("began", str(os.getpid()))
    touch_alive()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with open(LOG, "ab", buffering=0) as log:
        codes = run_steps(log, json.loads(read_state("steps.json") or "[]"))
        retry_while_full(os.fsync, log.fileno())
    failed = [code for _, code in codes if code]
    result = {"exit_code": failed[0] if failed else 0, "why": read_state("stop") or "", "codes": codes}
    retry_while_full(write_state, "ended.json", json.dumps(result))


def run_steps(log, steps):
    """Run the steps in order and return [analysis, exit code] of each that ran.

    After one that failed only the post-processing of the same analysis runs, if its command did.
    """
    codes = []
    failed_in = commanded = None
    for step in steps:
        analysis, kind = step["analysis"], step["kind"]
        follows = kind == "after" and analysis == failed_in == commanded
        is_stopped = bool(codes) and read_state("stop") is not None
        if is_stopped or (failed_in is not None and not follows):
            continue
        if kind == "command":
            commanded = analysis
        codes.append([analysis, run_command(log, step)])
        if codes[-1][1] and failed_in is None:
            failed_in = analysis
    return codes


def run_command(log, step):
    """Run the command of a step to its end and return its exit code; 127 if it cannot be started."""
    script = step["before"] + "\n" * bool(step["before"]) + step["command"]
    retry_while_full(write_state, "command.sh", script)
    env = dict(os.environ)
    # The portal starts this program with the system's PATH; the command gets that of the login.
    env["PATH"] = env.pop("HEADNODE_LOGIN_PATH", "") or env.get("PATH", os.defpath)
    env.update(step["env"])
    title = step["command"].strip().split("\n", 1)[0]
    head = "Launching %s, Working dir: %s.  Process output follows:\n" % (title[:200], SHARED)
    append(log, stamp() + head.encode("utf-8", "replace"))
    try:
        process = subprocess.Popen(
            ["/bin/bash", state_path("command.sh")],
            cwd=SHARED,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        append(log, stamp() + ("Could not start: %s\n" % error).encode())
        return 127
    code = follow(process, log)
    append(log, stamp() + b"Exited with code %d\n" % code)
    return code


def follow(process, log):
    """Copy lines until the command ends, and return its exit code as a shell would."""
    pipe = process.stdout.fileno()
    rest = b""
    stop_requested_at = None
    ended_at = None
    while True:
        touch_alive()
        # Asked before the pipe is looked at: what a command prints last is in the pipe when it has ended.
        has_ended = process.poll() is not None
        ready = select.select([pipe], [], [], 0.25)[0]
        if ready:
            data = os.read(pipe, CHUNK)
            if not data:
                break
            rest = write_lines(log, rest + data)
        if has_ended:
            # The command ended, but a background process may hold the pipe open, and even write to it.
            ended_at = ended_at or time.monotonic()
            if not ready or time.monotonic() - ended_at > PIPE_GRACE_SECONDS:
                break
        if stop_requested_at is None and os.path.exists(state_path("stop")):
            stop_requested_at = time.monotonic()
            signal_group(process, signal.SIGTERM)
        elif stop_requested_at is not None and time.monotonic() - stop_requested_at > KILL_AFTER_SECONDS:
            signal_group(process, signal.SIGKILL)
    if rest:
        write_lines(log, rest + b"\n")
    code = process.wait()
    return code if code >= 0 else 128 - code


def write_lines(log, data):
    """Write whole lines with a time stamp and return the rest. A line longer than 64 kB is cut."""
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
    """Send a signal to the command's process group, if it still exists."""
    try:
        os.killpg(process.pid, number)
    except OSError:
        pass


def answer(request):
    """Carry out a request and write the answer to standard output."""
    actions = {action.__name__: action for action in (prepare, start, status, stop, listing)}
    sys.stdout.write(json.dumps(actions[request["verb"]](request)))
    sys.stdout.flush()


if __name__ == "__main__":
    run()
elif __name__ == "headnode":
    answer(request)  # noqa: F821 (defined by the caller)

"""Measure what people and programs do on a node.

This file is sent to the node and runs there as the job's user with the node's own Python (3.6 or newer, standard
library only). It reads /proc, changes nothing and remembers nothing: counters go back as they are, and the portal
compares them with those of the time before. What it looks at is the same on a simulated node and on a real machine:

    processor   seconds of processor time used so far: of the whole machine, or where only a part of its processes can
                be seen (a container), of those.
    terminals   of each pseudo-terminal: seconds since somebody typed, and the program in its foreground, if that is
                more than a shell at its prompt.
    sessions    of each SSH session without a terminal: whether it runs a program, copies files or has a waiting
                shell, and a counter that grows while bytes move.
    tunnels     bytes of the SSH server's connections, where they can be seen (real machines).

The session that this program runs in is left out.
"""

import errno
import json
import os
import select
import socket
import stat
import struct
import sys
import time

MAX_PROCESSES = 20000
MAX_ROWS = 200
TERMINAL_MAJOR = 136
SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "ash", "busybox", "rbash"}
# Their windows are terminals of their own and are looked at as such.
MULTIPLEXERS = {"tmux", "tmux: client", "screen", "mosh-server"}
COPYING = {"sftp-server", "scp", "rsync"}
# What an SSH server calls the process that a session's program is a child of.
SERVERS = ("sshd", "dropbear", "headnode-agent")


class Process:
    """One process, as /proc/<pid>/stat tells it."""

    def __init__(self, pid):
        with open("/proc/%d/stat" % pid, "rb") as file:
            line = file.read().decode("utf-8", "replace")
        # The name stands in brackets and may itself have brackets and spaces.
        head, _, rest = line.rpartition(")")
        fields = rest.split()
        self.pid = pid
        self.name = head.partition("(")[2]
        self.state = fields[0]
        self.parent, self.group, self.session, self.terminal, self.foreground = map(int, fields[1:6])
        self.ticks = sum(map(int, fields[11:15]))
        self.started = int(fields[19])
        self.uid = os.stat("/proc/%d" % pid).st_uid

    def read(self, name):
        """Return a file of the process; an empty text if it may not be read."""
        try:
            with open("/proc/%d/%s" % (self.pid, name), "rb") as file:
                return file.read(65536)
        except OSError:
            return b""

    def number(self, name, label):
        """Return the number after a label in a file of lines; None if it cannot be read."""
        for line in self.read(name).splitlines():
            if line.startswith(label):
                return int(line.split()[1])
        return None

    def is_waiting_shell(self):
        """Return whether this is a shell that reads what somebody types, not one that runs a script."""
        if self.name not in SHELLS:
            return False
        words = self.read("cmdline").split(b"\0")[1:-1]
        return all(word.startswith(b"-") and not word.lstrip(b"-").startswith(b"c") for word in words)


def processes():
    """Return every process that can be seen."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and len(found) < MAX_PROCESSES:
            try:
                found[int(name)] = Process(int(name))
            except (OSError, ValueError, IndexError):
                pass  # it has ended meanwhile
    return found


def processor_seconds(known):
    """Return the seconds of processor time used so far."""
    ticks = float(os.sysconf("SC_CLK_TCK"))
    if 2 in known and known[2].name == "kthreadd":
        with open("/proc/stat", "rb") as file:
            user, nice, system, _, _, irq, softirq = map(int, file.readline().split()[1:8])
        return (user + nice + system + irq + softirq) / ticks
    return sum(process.ticks for process in known.values()) / ticks


def terminals(known):
    """Return [seconds since somebody typed, program in the foreground] of each terminal."""
    by_terminal = {}
    for process in known.values():
        if (process.terminal >> 8) & 0xFFF == TERMINAL_MAJOR:
            by_terminal.setdefault(process.terminal, []).append(process)
    rows = []
    for number, there in sorted(by_terminal.items()):
        if not any(process.uid == os.getuid() for process in there):
            continue
        index = (number & 0xFF) | ((number >> 12) & 0xFFF00)
        try:
            found = os.stat("/dev/pts/%d" % index)
        except OSError:
            continue  # its window is closed
        if not stat.S_ISCHR(found.st_mode) or found.st_rdev != os.makedev(TERMINAL_MAJOR, index):
            continue
        rows.append([max(0.0, time.time() - found.st_atime), foreground_program(there)])
    return rows[:MAX_ROWS]


def foreground_program(there):
    """Return the name of the program that a terminal waits for; empty at a prompt."""
    front = [process for process in there if process.group == process.foreground]
    busy = [process for process in busy_ones(front) if process.name not in MULTIPLEXERS]
    return busy[0].name[:40] if busy else ""


def busy_ones(there):
    """Return the processes that run: not stopped ones, shells at a prompt, and shells that wait for a child."""
    parents = {process.parent for process in there if process.state != "Z"}
    return [
        process
        for process in there
        if process.state not in "ZT"
        and not process.is_waiting_shell()
        and not (process.name in SHELLS and process.pid in parents)
    ]


def sessions(known):
    """Return [key, kind, program, counter] of each SSH session without a terminal."""
    own = os.getsid(0)
    rows = []
    for leader in sorted(known.values(), key=lambda process: process.pid):
        parent = known.get(leader.parent)
        is_session = leader.pid == leader.session and leader.terminal == 0 and leader.pid != own
        if not is_session or leader.uid != os.getuid() or leader.state == "Z":
            continue
        # Where other users' processes are hidden, the server is one that cannot be seen.
        is_served = parent.name.startswith(SERVERS) if parent else leader.parent > 1
        if not is_served or leader.name.startswith(SERVERS) or is_apart(leader):
            continue
        there = [process for process in known.values() if process.session == leader.pid]
        kind, program = kind_of(there)
        rows.append(["%d.%d" % (leader.pid, leader.started), kind, program, sum(map(moved, there))])
    return rows[:MAX_ROWS]


def is_apart(process):
    """Return whether no client is at the other end: a daemon, or what a broken connection left behind."""
    kinds = []
    for number in (0, 1, 2):
        try:
            kinds.append(stat.S_IFMT(os.stat("/proc/%d/fd/%d" % (process.pid, number)).st_mode))
        except PermissionError:
            return False  # a file server lets nobody look
        except OSError:
            kinds.append(0)
    if not any(kind in (stat.S_IFIFO, stat.S_IFSOCK) for kind in kinds):
        return True
    pipes = [number for number in (1, 2) if kinds[number] == stat.S_IFIFO]
    return bool(pipes) and not any(has_reader(process, number) for number in pipes)


def has_reader(process, number):
    """Return whether anybody still reads from a pipe that a process writes to."""
    try:
        pipe = os.open("/proc/%d/fd/%d" % (process.pid, number), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return error.errno != errno.ENXIO
    try:
        watch = select.poll()
        watch.register(pipe, 0)
        return not any(event & select.POLLERR for _, event in watch.poll(0))
    finally:
        os.close(pipe)


def kind_of(there):
    """Return what a session does, and the name of its program."""
    copying = [process.name for process in there if process.name in COPYING]
    if copying:
        return "transfer", copying[0]
    busy = busy_ones(there)
    return ("program", busy[0].name[:40]) if busy else ("shell", "")


def moved(process):
    """Return a counter that grows when bytes move; how often it was woken up where its bytes are not told."""
    read, written = process.number("io", b"rchar:"), process.number("io", b"wchar:")
    if read is not None and written is not None:
        return read + written
    return process.number("status", b"voluntary_ctxt_switches:") or 0


def tunnels():
    """Return [key, bytes] of each connection to this node's SSH server but our own, where they can be seen."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    if len(words) != 4 or not hasattr(socket, "AF_NETLINK"):
        return []
    own_port, server_port = int(words[1]), int(words[3])
    rows = []
    for family in (socket.AF_INET, socket.AF_INET6):
        for peer, port, count in connections(family):
            if port == server_port and peer[1] != own_port:
                rows.append(["%s.%d" % peer, count])
    return rows[:MAX_ROWS]


def connections(family):
    """Return (peer address and port, local port, bytes) of each established connection (sock_diag(7))."""
    # A dump of established TCP connections (state 1) with tcp_info (extension 2).
    request = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 1 << 1, 1 << 1) + bytes(48)
    message = struct.pack("=IHHII", 16 + len(request), 20, 0x301, 1, 0) + request
    rows = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as netlink:
        netlink.settimeout(1)
        netlink.send(message)
        while len(rows) < 10000:
            data = netlink.recv(65536)
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind != 20 or length < 88:
                    return rows
                rows.append(connection(family, data[16:length]))
                data = data[(length + 3) & ~3 :]
    return rows


def connection(family, body):
    """Return one connection of a dump."""
    local_port, peer_port = struct.unpack_from(">HH", body, 4)
    size = 4 if family == socket.AF_INET else 16
    peer = socket.inet_ntop(family, body[24 : 24 + size])
    count, at = 0, 72
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if length < 4:
            break
        if kind == 2 and length >= 4 + 136:  # tcp_info up to tcpi_bytes_acked and tcpi_bytes_received
            count = sum(struct.unpack_from("=QQ", body, at + 4 + 120))
        at += (length + 3) & ~3
    return (peer, peer_port), local_port, count


def measure():
    """Return everything that was measured."""
    known = processes()
    try:
        seen = tunnels()
    except (OSError, ValueError, struct.error):
        seen = []
    return {
        "state": "measured",
        "clock": time.monotonic(),
        "processor": processor_seconds(known),
        "terminals": terminals(known),
        "sessions": sessions(known),
        "tunnels": seen,
    }


if __name__ == "headnode":
    sys.stdout.write(json.dumps(measure()))
    sys.stdout.flush()

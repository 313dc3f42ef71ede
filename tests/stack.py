"""The whole portal, started as a person starts it, for tests to talk to: `with running(folder) as stack:`."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import migrated_database
from tests.waiting import LIMIT, wait_for

ROOT = Path(__file__).resolve().parent.parent
ADMIN_PASSWORD = "a-password-for-tests"
READY = re.compile(r"^Headnode is ready at (http://\S+/)$", re.MULTILINE)
START_LIMIT = 240.0
# What tests run under and a started portal must not inherit.
FOREIGN = re.compile(r"^(HEADNODE_|DJANGO_|PYTEST_|DATABASE_URL$|REDIS_URL$)")
# The portals that run at the moment; a failed test shows the end of their logs.
RUNNING: "list[Stack]" = []


@dataclass
class Stack:
    """A running portal."""

    base_url: str
    var: Path
    admin_password: str
    supervisor: "subprocess.Popen[str]"
    output: list[str]
    admin_name: str = "admin"

    @property
    def pids(self) -> dict[str, int]:
        """The process ids by name: supervisor, redis, web, worker, beat, simulator."""
        found: dict[str, int] = json.loads((self.var / "pids.json").read_text())
        return found

    @property
    def log(self) -> Path:
        """The one log file."""
        return self.var / "logs" / "headnode.log"

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Kill one process and wait until the supervisor has started it again; answer the new process id."""
        before = wait_for(lambda: self.pids.get(name), f"{name} runs")
        os.kill(before, number)
        return (
            wait_for(
                lambda: self.pids.get(name) if self.pids.get(name) != before else None,
                f"{name} runs again",
            )
            or 0
        )

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run manage.py against this portal's database; answer its standard output."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=clean_environment() | self.environment | environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=4 * LIMIT,
        ).stdout

    @property
    def environment(self) -> dict[str, str]:
        """What another process needs to share this portal's database, Redis and secret."""
        return {
            "HEADNODE_VAR": str(self.var),
            "HEADNODE_DEMO": "1",
            "HEADNODE_SECRET_KEY": (self.var / "secret-key").read_text().strip(),
            "HEADNODE_PORT": self.base_url.rstrip("/").rpartition(":")[2],
        }


def clean_environment() -> dict[str, str]:
    """This process's environment without what belongs to the tests."""
    return {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}


def free_port() -> int:
    """A TCP port that is this test process's own: nobody listens there until a program is told to.

    It stays bound, so that the kernel gives it to no other process and to no connection, also while a portal is being
    started or started again. Whoever sets SO_REUSEADDR, as servers do, may listen on it all the same.
    """
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    port = int(probe.getsockname()[1])
    probe.detach()  # open until this process ends
    return port


def alive(pid: int) -> bool:
    """Whether this process runs (a zombie does not)."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes_of(var: Path) -> list[str]:
    """The processes that were started for this HEADNODE_VAR and are still there."""
    wanted = os.fsencode(var)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and wanted in (
                (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            ):
                found.append(f"{folder.name} {(folder / 'cmdline').read_bytes().replace(bytes(1), b' ')!r}")
        except (OSError, ValueError):
            continue
    return [line for line in found if alive(int(line.split()[0]))]


# Root of this machine, but an ordinary user to itself: it owns the same files and has none of root's rights.
AS_ORDINARY_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


def start(var: Path, prefix: Sequence[str] = (), **environment: str) -> "subprocess.Popen[str]":
    """Start `python -m portal.embedded` with this folder; its output can be read from stdout.

    `prefix`: a command that starts it, such as AS_ORDINARY_USER.
    """
    told = clean_environment() | {
        "HEADNODE_VAR": str(var),
        "HEADNODE_PORT": str(free_port()),
        "HEADNODE_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "HEADNODE_SIMULATOR_BOOT": "instant",
    }
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "portal.embedded"],
        cwd=ROOT,
        env=told | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


@contextmanager
def running(var: Path, prefix: Sequence[str] = (), **environment: str) -> Iterator[Stack]:
    """A portal that is ready; afterwards it is ended and nothing of it may be left.

    A new one gets a database that is migrated already: tests/portal/test_embedded_stack.py starts from nothing.
    """
    if not (var / "db.sqlite3").exists() and "DATABASE_URL" not in environment:
        var.mkdir(mode=0o700, exist_ok=True)
        migrated_database.copy_to(var / "db.sqlite3")
        (var / "db.sqlite3").chmod(0o600)
    process = start(var, prefix, **environment)
    output: list[str] = []
    reader = threading.Thread(target=lambda: output.extend(process.stdout or []), daemon=True)
    reader.start()

    def ready() -> str | None:
        if found := READY.search("".join(output)):
            return found.group(1)
        assert process.poll() is None, "The portal ended:\n" + "".join(output[-60:])
        return None

    try:
        try:
            base_url = wait_for(ready, "the portal says that it is ready", START_LIMIT) or ""
        except AssertionError as error:
            raise AssertionError(f"{error}\n{''.join(output[-60:])}") from None
        password = environment.get("HEADNODE_ADMIN_PASSWORD", ADMIN_PASSWORD)
        found = Stack(base_url, var, password, process, output)
        RUNNING.append(found)
        try:
            yield found
        except Exception as error:  # whoever shows logs of portals that run comes too late for this one
            lines = found.log.read_text(errors="replace").splitlines()[-150:]
            error.add_note("\n".join([f"--- end of {found.log} ---", *lines]))
            raise
    finally:
        RUNNING[:] = [other for other in RUNNING if other.supervisor is not process]
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(LIMIT)
            raise
        finally:
            reader.join(LIMIT)
            if process.stdout:
                process.stdout.close()
    wait_for(lambda: not processes_of(var), f"nothing of {var} is left: {processes_of(var)}")

"""Start a real simulator process and a small context broker, and reach nodes with the real SSH tools."""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.broker import Broker
from tests.waiting import LIMIT, wait_for

ROOT = Path(__file__).resolve().parents[3]


class Simulator:
    """A simulator process and its HTTP API."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        prefix: Sequence[str] = (),
        lifeline: int | None = None,
        **environment: str,
    ) -> None:
        """`prefix`: a command that starts it, such as tests.stack.AS_ORDINARY_USER. `lifeline`: a pipe."""
        self.folder, self.broker, self.prefix, self.lifeline = folder, broker, prefix, lifeline
        self.var = folder / "simulator"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HEADNODE_SIMULATOR_LISTEN": f"unix:{folder}/s.sock",
            "HEADNODE_SIMULATOR_VAR": str(self.var),
            "HEADNODE_SIMULATOR_TOKEN_FILE": str(folder / "token"),
            "HEADNODE_SIMULATOR_BOOT": "instant",
            **environment,
        }
        self.start()

    def start(self) -> None:
        """Start, or start again, and wait until the API answers."""
        self.log = open(self.folder / "log", "ab")  # noqa: SIM115 - closed in `end`
        self.process = subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "jobs.simulator", *self.arguments],
            cwd=ROOT,
            env=self.environment,
            pass_fds=[] if self.lifeline is None else [self.lifeline],
            stdout=self.log,
            stderr=self.log,
            stdin=subprocess.DEVNULL,
        )
        self.http = httpx.Client(
            transport=httpx.HTTPTransport(uds=f"{self.folder}/s.sock"),
            base_url="http://simulator",
            timeout=LIMIT,
        )
        try:
            wait_for(self.up, "the simulator answers")
        except BaseException:
            self.kill()
            raise
        self.http.headers["Authorization"] = "Bearer " + (self.folder / "token").read_text().strip()

    @property
    def arguments(self) -> list[str]:
        """The command line's arguments."""
        return [] if self.lifeline is None else ["--lifeline", str(self.lifeline)]

    def up(self) -> bool:
        """Return whether /healthz answers."""
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(f"{self.folder}/s.sock")
            except OSError:
                return False
        return self.http.get("/healthz").status_code == 200

    def end(self, number: int = signal.SIGTERM) -> float:
        """Signal the process, wait for its end, and return how many seconds it took."""
        before = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(LIMIT)
        finally:
            self.kill()
        return time.monotonic() - before

    def kill(self) -> None:
        """Let nothing of it be open or run: a test that fails must not fail its neighbours."""
        self.process.kill()
        self.process.wait()
        self.http.close()
        self.log.close()

    def spec(
        self, cluster: str = "Ab12cd", computes: int = 1, port: int = 32100, boot_seconds: float = 0.3
    ) -> dict[str, Any]:
        """Return an order for one head node and some compute nodes."""
        user = f"uprod_{cluster}"
        names = ["head", *(f"compute-{number + 1}" for number in range(computes))]
        return {
            "username": user,
            "home": f"/enc/{user}",
            "broker_url": self.broker.url,
            "nodes": [
                {
                    "name": name,
                    "role": "head" if name == "head" else "compute",
                    "core_type": "emerald",
                    "cores": 2,
                    "memory_mb": 1024,
                    "ssh_port": port,
                    "boot_seconds": boot_seconds,
                    "token": f"{user}/{name}",
                }
                for name in names
            ],
        }

    def create(self, cluster: str = "Ab12cd", **words: Any) -> "Cluster":
        """Order a cluster and wait until all its nodes run."""
        answer = self.http.put(f"/v1/clusters/{cluster}", json=self.spec(cluster, **words))
        assert answer.status_code == 201, answer.text
        made = Cluster(self, cluster)
        made.wait("running")
        return made


class Cluster:
    """One cluster, through the API and the real SSH tools."""

    def __init__(self, simulator: Simulator, cluster: str) -> None:
        self.simulator, self.id = simulator, cluster
        self.user = f"uprod_{cluster}"
        self.path = f"/v1/clusters/{cluster}"

    def delete(self) -> None:
        """Delete it and wait until it is gone."""
        self.simulator.http.delete(self.path)
        wait_for(lambda: self.simulator.http.get(self.path).status_code == 404, "the cluster is gone")

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Return its nodes by name."""
        document = self.simulator.http.get(self.path).json()
        return {node["name"]: node for node in document["nodes"]}

    def wait(self, state: str, *names: str) -> dict[str, dict[str, Any]]:
        """Wait until these nodes (all, if none is named) are in a state."""

        def there() -> dict[str, dict[str, Any]] | None:
            nodes = self.nodes()
            wanted = [nodes[name] for name in names or nodes]
            if state != "failed":
                assert not [node for node in wanted if node["state"] == "failed"], wanted
            return nodes if all(node["state"] == state for node in wanted) else None

        return wait_for(there, f"{names or 'all nodes'} {state}")

    def access(self, **changes: Any) -> httpx.Response:
        """Push a changed access document."""
        context = self.simulator.broker.context
        names = ("authorized_keys", "withdrawn", "rules", "user_authorities", "gateway_addresses")
        document = {name: context[name] for name in names} | changes
        if "version" not in document:
            document["version"] = self.simulator.broker.next_version(self.user)
        return self.simulator.http.put(self.path + "/access", json=document)

    def options(self, key: Path | None, node: str = "head") -> list[str]:
        """Return strict options for the OpenSSH tools: the pinned host key, this key and nothing else."""
        where = self.nodes()[node]
        broker = self.simulator.broker
        line = broker.registered[f"{self.user}/{node}"]["host_keys"][0]
        known = self.simulator.folder / f"known.{self.id}.{node}"
        name = where["address"] if where["port"] == 22 else f"[{where['address']}]:{where['port']}"
        # An ssh that was started a moment ago may be reading it: it must never meet an empty file.
        fresh = known.with_name(known.name + ".new")
        fresh.write_text(f"{name} {line}\n")
        fresh.replace(known)
        options = ["-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"]
        options += [
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "IdentityAgent=none",
            "-o",
            "LogLevel=ERROR",
        ]
        return [*options, *(["-i", str(key)] if key else [])]

    def target(self, node: str = "head") -> str:
        """Return user@address."""
        return f"{self.user}@{self.nodes()[node]['address']}"

    def port(self, node: str = "head") -> int:
        """Return the node's SSH port."""
        return int(self.nodes()[node]["port"])

    def command(
        self, key: Path | None, *words: str, node: str = "head", extra: tuple[str, ...] = ()
    ) -> list[str]:
        """Return a complete ssh command line."""
        return [
            "ssh",
            *self.options(key, node),
            "-p",
            str(self.port(node)),
            *extra,
            self.target(node),
            *words,
        ]

    def ssh(
        self,
        key: Path | None,
        *words: str,
        node: str = "head",
        extra: tuple[str, ...] = (),
        stdin: bytes = b"",
    ) -> subprocess.CompletedProcess[bytes]:
        """Run ssh to its end."""
        return subprocess.run(
            self.command(key, *words, node=node, extra=extra),
            input=stdin,
            capture_output=True,
            timeout=2 * LIMIT,
        )

    def rsh(self, key: Path) -> str:
        """Return the remote shell for rsync."""
        return shlex.join(["ssh", *self.options(key), "-p", str(self.port())])


@contextlib.contextmanager
def ended_afterwards(*processes: "subprocess.Popen[Any]") -> Iterator[None]:
    """Let none of these run, and none of their pipes be open, after the block, whatever happens in it."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of running processes that mention a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def command_of(pid: int) -> str:
    """Return a process's command line; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def children_of(pid: int) -> list[int]:
    """Return every living descendant of a process."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found

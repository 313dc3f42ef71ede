"""What a node measures of the people on it, with real clients: on simulated nodes and under OpenSSH's sshd."""

import getpass
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.node_contract.activity import ActivityReport, SessionKind, parse_activity
from jobs.remote.activity_reader import ACTIVITY_SOURCE
from jobs.remote.answer import new_marker, parse_answer
from jobs.remote.command_runner import PROGRAM_COMMAND
from tests.jobs.simulator.conftest import public
from tests.jobs.simulator.simulator_process import Cluster
from tests.sshgateway import sshd
from tests.waiting import wait_for

# A program of this name is nobody else's, on a machine that many share.
SLEEPER = "idle-sleeper"
PTY = ("-tt",)


class Node:
    """A node and the command lines that lead to it."""

    def __init__(self, ssh: Callable[..., list[str]], copy: Callable[..., list[str]]) -> None:
        self.ssh, self.copy = ssh, copy

    def look(self) -> ActivityReport:
        """Return what the node measures now."""
        marker = new_marker()
        body = json.dumps({"source": ACTIVITY_SOURCE, "marker": marker}).encode()
        done = subprocess.run(self.ssh(PROGRAM_COMMAND), input=body, capture_output=True, timeout=60)
        report = parse_activity(parse_answer(done.stdout, marker, done.returncode, done.stderr))
        assert report is not None, done
        return report

    def sessions(self) -> list[tuple[SessionKind, str]]:
        """Return the sessions without a terminal, each with its program."""
        return [(session.kind, session.program) for session in self.look().sessions]

    def programs(self) -> list[str]:
        """Return what terminals wait for."""
        return [terminal.program for terminal in self.look().terminals]

    @contextmanager
    def client(self, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Run a client for the block."""
        quiet = subprocess.DEVNULL
        # Unbuffered: what a test types arrives, and nothing is left to write at the end.
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, bufsize=0
        ) as client:
            try:
                yield client
            finally:
                client.kill()


def simulated(cluster: Cluster, key: Path) -> Node:
    def ssh(*words: str, extra: tuple[str, ...] = ()) -> list[str]:
        return cluster.command(key, *words, extra=extra)

    def copy(program: str, *words: str) -> list[str]:
        return [program, *words, *cluster.options(key), "-P", str(cluster.port())]

    made = Node(ssh, copy)
    subprocess.run(ssh(f"test -x {SLEEPER} || cp /bin/sleep ./{SLEEPER}"), check=True, timeout=60)
    return made


@pytest.fixture(scope="session")
def real_machine(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Path]) -> Iterator[Node]:
    """OpenSSH's own server on this machine."""
    folder = tmp_path_factory.mktemp("machine")
    server = sshd.start(folder, authorities=[public(keys["authority"])])
    key = shutil.copy(keys["alice"], folder / "key")
    shutil.copy(f"{keys['alice']}.pub", f"{key}.pub")
    sign = [
        "ssh-keygen",
        "-q",
        "-s",
        str(keys["authority"]),
        "-I",
        "me",
        "-n",
        getpass.getuser(),
        f"{key}.pub",
    ]
    subprocess.run(sign, check=True)
    (folder / "known").write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
    options = [
        "-F",
        "none",
        "-i",
        str(key),
        "-o",
        f"UserKnownHostsFile={folder}/known",
        "-o",
        "BatchMode=yes",
    ]
    options += ["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "LogLevel=ERROR"]
    target = f"{getpass.getuser()}@127.0.0.1"

    def ssh(*words: str, extra: tuple[str, ...] = ()) -> list[str]:
        return ["ssh", *options, "-p", str(server.port), *extra, target, *words]

    made = Node(ssh, lambda program, *words: [program, *words, *options, "-P", str(server.port)])
    subprocess.run(ssh(f"test -x {SLEEPER} || cp /bin/sleep ./{SLEEPER}"), check=True, timeout=60)
    yield made
    server.stop()


@pytest.fixture(params=["bubblewrap", "uid", "sshd"])
def node(request: pytest.FixtureRequest, keys: dict[str, Path]) -> Node:
    """A simulated node in each kind of sandbox, and a real machine."""
    if request.param == "sshd":
        real: Node = request.getfixturevalue("real_machine")
        return real
    name = "cluster" if request.param == "bubblewrap" else "one_with_uid"
    return simulated(request.getfixturevalue(name), keys["alice"])


def test_a_node_that_nobody_uses_has_no_terminal_and_no_session(node: Node) -> None:
    report = node.look()
    assert (report.terminals, report.sessions) == ((), ())
    assert report.processor > 0


def test_a_program_that_only_sleeps_in_a_terminal_is_seen(node: Node) -> None:
    with node.client(node.ssh(f"./{SLEEPER} 60", extra=PTY)):
        wait_for(lambda: node.programs() == [SLEEPER], "the program")
    wait_for(lambda: node.programs() == [], "its end")


def test_a_program_without_a_terminal_is_seen_as_long_as_its_client_is_there(node: Node) -> None:
    with node.client(node.ssh(f"./{SLEEPER} 600; true")):
        wait_for(lambda: node.sessions() == [(SessionKind.PROGRAM, SLEEPER)], "the program")
    wait_for(lambda: node.sessions() == [], "a session that nobody is connected to")


def test_a_shell_at_its_prompt_only_tells_when_somebody_typed(node: Node) -> None:
    with node.client(node.ssh(extra=PTY)) as client:
        assert client.stdin is not None
        wait_for(lambda: node.programs() == [""], "the prompt")
        client.stdin.write(f"./{SLEEPER} 600\n".encode())
        wait_for(lambda: node.programs() == [SLEEPER], "a program")
        client.stdin.write(b"\x1a")
        wait_for(lambda: node.programs() == [""], "the prompt after the program was stopped")
        before = node.look().terminals[0].idle_seconds
        # The kernel notes the time of a key to 8 seconds.
        wait_for(lambda: node.look().terminals[0].idle_seconds > before + 9, "time without a key", 30)
        client.stdin.write(b"true\n")
        wait_for(lambda: node.look().terminals[0].idle_seconds < 9, "the key")


def test_output_that_nobody_asked_for_is_no_key(cluster: Cluster, keys: dict[str, Path]) -> None:
    node = simulated(cluster, keys["alice"])
    with node.client(node.ssh(extra=PTY)) as client:
        assert client.stdin is not None
        wait_for(lambda: node.programs() == [""], "the prompt")
        client.stdin.write(b"(while command sleep 1; do echo tick; done) &\n")
        wait_for(lambda: node.look().terminals[0].idle_seconds > 17, "time without a key", 40)


def test_a_copy_moves_its_counter_and_a_waiting_sftp_does_not(node: Node, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(30_000_000))
    with node.client([*node.copy("sftp", "-l", "4000"), node.ssh()[-1]]) as client:
        assert client.stdin is not None
        wait_for(lambda: node.sessions() == [(SessionKind.TRANSFER, "sftp-server")], "sftp")
        quiet = node.look().sessions[0]
        assert node.look().sessions[0] == quiet
        client.stdin.write(f"put {tmp_path}/data data\n".encode())
        wait_for(lambda: node.look().sessions[0].counter > quiet.counter, "bytes")


@pytest.mark.parametrize("protocol", [(), ("-O",)], ids=["sftp", "legacy"])
def test_scp_moves_its_counter(node: Node, tmp_path: Path, protocol: tuple[str, ...]) -> None:
    (tmp_path / "data").write_bytes(bytes(30_000_000))
    scp = [*node.copy("scp", *protocol, "-l", "4000"), f"{tmp_path}/data", f"{node.ssh()[-1]}:data"]
    with node.client(scp):
        program = "scp" if protocol else "sftp-server"
        wait_for(lambda: node.sessions() == [(SessionKind.TRANSFER, program)], "scp")
        first = node.look().sessions[0]
        wait_for(lambda: node.look().sessions[0].counter > first.counter, "bytes")


def test_a_shell_without_a_terminal_waits(node: Node) -> None:
    with node.client(node.ssh("bash", extra=("-T",))) as client:
        assert client.stdin is not None
        wait_for(lambda: node.sessions() == [(SessionKind.SHELL, "")], "the shell")
        client.stdin.write(f"./{SLEEPER} 600\n".encode())
        wait_for(lambda: node.sessions() == [(SessionKind.PROGRAM, SLEEPER)], "its program")


def test_daemons_are_no_sessions(node: Node) -> None:
    subprocess.run(node.ssh(f"setsid ./{SLEEPER} 30 < /dev/null > /dev/null 2>&1 &"), check=True, timeout=60)
    assert node.sessions() == []


def test_a_busy_node_uses_its_processor(node: Node) -> None:
    # The loop looks for a file, so that it ends: sshd leaves a command without a terminal running.
    with node.client(node.ssh("touch busy; while test -e busy; do :; done")):
        try:
            wait_for(lambda: [kind for kind, _ in node.sessions()] == [SessionKind.PROGRAM], "the loop")
            before = node.look()

            def share() -> float:
                now = node.look()
                return (now.processor - before.processor) / (now.clock - before.clock)

            wait_for(lambda: share() > 0.2, "a fifth of a processor since the first look")
        finally:
            subprocess.run(node.ssh("rm busy"), check=True, timeout=60)

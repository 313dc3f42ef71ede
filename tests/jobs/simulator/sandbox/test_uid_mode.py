"""Without bubblewrap, as root: a user and a root folder per cluster. What it holds back, tried from inside."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.jobs.simulator.conftest import needs_root, public
from tests.jobs.simulator.simulator_process import Cluster
from tests.waiting import LIMIT, wait_for

pytestmark = needs_root
Inside = Callable[[str], str]


@pytest.fixture
def inside(one_with_uid: Cluster, keys: dict[str, Path]) -> Inside:
    """Runs a command on the head node and returns everything it printed."""

    def run(command: str) -> str:
        done = one_with_uid.ssh(keys["alice"], command)
        return (done.stdout + done.stderr).decode(errors="replace")

    return run


@pytest.fixture(scope="module")
def neighbour(one_with_uid: Cluster) -> Iterator[Cluster]:
    """Another cluster in the same simulator."""
    made = one_with_uid.simulator.create("Uid0002", computes=0)
    yield made
    made.delete()


def test_programs_find_their_own_user(one_with_uid: Cluster, inside: Inside) -> None:
    user = one_with_uid.user
    assert inside("whoami; echo ~; pwd").split() == [user, f"/enc/{user}", f"/enc/{user}"]
    assert inside("getent passwd $(id -u) | cut -d: -f1,6,7").strip() == f"{user}:/enc/{user}:/bin/bash"
    assert inside("getent passwd root daemon | wc -l").strip() == "1"


def test_sftp_and_scp_work(one_with_uid: Cluster, keys: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "sent").write_text("x" * 100_000)
    options = [*one_with_uid.options(keys["alice"]), "-P", str(one_with_uid.port())]
    home = f"/enc/{one_with_uid.user}"
    batch = f"put {tmp_path}/sent work/sent\nget work/sent {tmp_path}/got\nput {tmp_path}/sent {home}/s\n"
    command = ["sftp", *options, "-b", "-", one_with_uid.target()]
    done = subprocess.run(command, input=batch.encode(), capture_output=True, timeout=2 * LIMIT)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "got").read_text() == (tmp_path / "sent").read_text()
    target = f"{one_with_uid.target()}:work/copied"
    assert (
        subprocess.run(["scp", *options, str(tmp_path / "sent"), target], timeout=2 * LIMIT).returncode == 0
    )


def test_ssh_from_a_node_works(one_with_uid: Cluster, inside: Inside) -> None:
    """The client looks up its own user before anything else; the nodes' names are known."""
    own = "ssh-keygen -q -t ed25519 -N '' -f ~/own && mkdir -p ~/.ssh && cp ~/own.pub ~/.ssh/authorized_keys"
    try:
        assert inside(own) == ""
        assert inside(
            "ssh -o BatchMode=yes -i ~/own head hostname -I 2>&1; ssh -i ~/own head 'echo arrived'"
        ).endswith("arrived\n")
    finally:
        inside("rm -rf ~/.ssh ~/own*")


def test_nothing_else_of_the_machine_is_in_sight(one_with_uid: Cluster, inside: Inside) -> None:
    expected = {"usr", "etc", "dev", "proc", "run", "tmp", "var", "enc"}
    expected |= {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec"}
    assert set(inside("ls /").split()) <= {*expected, Path(sys.base_prefix).parts[1]}
    for path in (
        one_with_uid.simulator.folder,
        Path(__file__).parent,
        "/root",
        "/home",
        "/sys",
        "/proc/1/root/root",
    ):
        assert "No such file" in inside(f"ls {path}") or "denied" in inside(f"ls {path}"), path
    assert "root:" not in inside("cat /etc/shadow 2>&1")
    assert inside("ls -A /tmp /var/tmp /dev/shm | grep -v :").strip() == ""
    for path in ("/usr/x", "/etc/x", "/x", "/bin/x", "/run/headnode/x", "/enc/x", "/dev/x", "/run/context/x"):
        assert "Read-only" in inside(f"touch {path}") or "denied" in inside(f"touch {path}"), path


def test_another_clusters_home_context_and_temporary_files_are_out_of_reach(
    one_with_uid: Cluster, neighbour: Cluster, keys: dict[str, Path], inside: Inside
) -> None:
    assert (
        neighbour.ssh(keys["alice"], "echo secret > ~/s; echo x > /tmp/x; echo x > /dev/shm/x").returncode
        == 0
    )
    assert inside("ls /enc").split() == [one_with_uid.user]
    assert inside("cat /tmp/x /dev/shm/x").count("No such file") == 2
    hostname = neighbour.nodes()["head"]["hostname"]
    assert hostname not in inside("ls /run/context")


def test_programs_of_the_node_are_on_its_path(inside: Inside) -> None:
    assert inside("echo $PATH").strip().endswith(":/run/headnode/bin")


@pytest.mark.parametrize("what", ["processes", "shared memory"])
def test_what_others_run_and_share_is_not_listed(
    what: str, one_with_uid: Cluster, neighbour: Cluster, keys: dict[str, Path], inside: Inside
) -> None:
    if what == "shared memory":
        make = "python3 -c 'import ctypes; print(ctypes.CDLL(None).shmget(7, 4096, 0o1666))'"
        assert neighbour.ssh(keys["alice"], make).returncode == 0
        assert inside("tail -n +2 /proc/sysvipc/shm") == ""
        return
    if one_with_uid.simulator.http.get("/healthz").json()["memory"] != "control_groups":
        assert "processes" in one_with_uid.simulator.http.get("/healthz").json()["unprotected"][1]
        return
    listed = inside("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    for other in ("jobs.simulator ", "pytest", neighbour.user, "launcher"):
        assert other not in listed, other


def test_neither_launcher_nor_agent_can_be_traced(one_with_uid: Cluster, inside: Inside) -> None:
    """They have the same user: what they hold open leads out of the sandbox."""
    simulator = one_with_uid.simulator.process.pid
    ours = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/status")
        if (text := readable(path)) and (f"\nPPid:\t{simulator}\n" in text)
    ]
    agents = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/status")
        if (text := readable(path)) and any(f"\nPPid:\t{pid}\n" in text for pid in ours)
    ]
    assert agents
    code = (
        "import ctypes, sys; l = ctypes.CDLL(None); print([l.ptrace(16, int(p), 0, 0) for p in sys.argv[1:]])"
    )
    tried = " ".join(map(str, [*ours, *agents]))
    assert set(inside(f'python3 -c "{code}" {tried}').strip("[]\n").split(", ")) == {"-1"}
    assert "/fd/" not in inside(f"for p in {tried}; do ls -d /proc/$p/fd/* 2>/dev/null; done")


def readable(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def test_programs_have_no_capability_and_no_new_privileges(inside: Inside) -> None:
    status = inside("cat /proc/self/status")
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
        assert line in status


def test_a_program_that_hides_from_the_agent_ends_with_its_node(
    one_with_uid: Cluster, keys: dict[str, Path]
) -> None:
    """A program that may be run but not read is not dumpable: where processes are hidden, the agent does not see it."""
    made = one_with_uid.simulator.create("Uid0003", computes=0)
    seconds = 4_000_000 + os.getpid()  # by which the process is found on this machine
    hide = f"cp /bin/sleep ~/hidden && chmod 111 ~/hidden && (setsid ~/hidden {seconds} > /dev/null 2>&1 < /dev/null &)"
    assert made.ssh(keys["alice"], f"{hide}; echo up").stdout == b"up\n"
    running = ["pgrep", "-f", f"hidden {seconds}"]
    assert subprocess.run(running, capture_output=True).stdout
    made.simulator.http.post(f"{made.path}/nodes/head/stop", json={})
    made.wait("stopped")
    if made.simulator.http.get("/healthz").json()["memory"] == "control_groups":
        wait_for(
            lambda: not subprocess.run(running, capture_output=True).stdout, "it has ended with its node"
        )
    made.delete()
    assert not subprocess.run(running, capture_output=True).stdout


def test_a_link_to_a_file_outside_is_not_followed(
    one_with_uid: Cluster, keys: dict[str, Path], inside: Inside, tmp_path: Path
) -> None:
    trap = tmp_path / "authorized_keys"
    trap.write_text(public(keys["bob"]) + "\n")
    try:
        inside(f"mkdir -p ~/.ssh; ln -sf {trap} ~/.ssh/authorized_keys")
        assert one_with_uid.ssh(keys["bob"], "true").returncode == 255
    finally:
        inside("rm -r ~/.ssh")
